"""A dataset as others read it: Croissant by mlcroissant, folders of pictures by datasets."""

import json
import logging

import datasets
import mlcroissant
import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.__main__ import main
from cartoon_tfds.cartoon_tfds_dataset_builder import Builder
from cartoon_tfds.errors import UserError
from cartoon_tfds.images import read_image
from cartoon_tfds.records import manifest
from cartoon_tfds.records.array_record import iter_records, parse_record
from cartoon_tfds.records.image_folders import write_image_folders

# rdflib, on which mlcroissant is built, warns of its own names.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def folder(dataset_dir):
    return dataset_dir / "cartoon_tfds" / "tiny" / str(Builder.VERSION)


def test_croissant_is_valid_and_names_files_and_licences(folder, caplog):
    path = folder / manifest.CROISSANT
    with caplog.at_level(logging.WARNING):
        described = mlcroissant.Dataset(jsonld=str(path)).metadata
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert described.name == "cartoon_tfds-tiny"
    assert "CC BY 2.0" in " ".join(described.license)
    files = {file.id: file.sha256 for file in described.distribution}
    own = {manifest.CROISSANT}
    assert files.keys() == {path.name for path in folder.iterdir()} - own
    assert files[manifest.NAME] == manifest.describe_file(folder / manifest.NAME)["sha256"]
    assert manifest.first_difference(folder) is None


def test_the_records_of_croissant_are_the_lines_of_the_manifest(folder):
    dataset = mlcroissant.Dataset(jsonld=str(folder / manifest.CROISSANT))
    found = [record["examples/id"] for record in dataset.records("examples")][1:-1]
    assert [name.decode() for name in found] == [e["id"] for e in manifest.read_examples(folder)]


def test_imagefolder_loads_the_pairs_with_captions(folder, tmp_path):
    counts = write_image_folders(folder, tmp_path / "out")
    cache = str(tmp_path / "cache")
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=cache)
    assert {split: len(examples) for split, examples in loaded.items()} == counts
    records = [parse_record(r) for split, _, r in iter_records(folder) if split == "test"]
    assert len(records) == counts["test"] > 1
    for example, record in zip(loaded["test"], records, strict=True):
        for kind, name in (("before", "photo"), ("after", "cartoon")):
            assert np.array_equal(np.asarray(example[kind]), read_image(record[name]))
        assert example["text"].startswith("Redraw this photograph in the style ink: bold outlines")
        assert (example["id"], example["license"]) == (record["id"], record["license"])


def test_the_command_writes_captions_beside_the_pictures(
    folder, dataset_dir, tmp_path, monkeypatch, capsys
):
    output = tmp_path / "out"
    words = ["export", str(dataset_dir), "--config=tiny", f"--output={output}", "--caption=ABC"]
    monkeypatch.setattr("sys.argv", ["cartoon_tfds", *words])
    main()
    assert f"{output / 'test'}: 8 pairs" in capsys.readouterr().out
    after = sorted(path.name for path in (output / "test" / "after").iterdir())
    assert after[:2] == ["000000.png", "000000.txt"]
    assert (output / "test" / "after" / "000000.txt").read_text() == "ABC\n"
    with Image.open(output / "test" / "before" / "000000.png") as picture:
        assert min(picture.size) == 64
    with pytest.raises(UserError, match="is not empty"):
        write_image_folders(folder, output)
    assert (
        json.loads((output / "test" / "metadata.jsonl").read_text().splitlines()[0])["text"]
        == "ABC"
    )
