"""A manifest says what is in a dataset, and its check finds whatever has changed since."""

import json
import shutil

import pytest

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
from cartoon_tfds.generation.parallel import map_in_order
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.records import manifest
from cartoon_tfds.records.array_record import iter_records
from cartoon_tfds.sources.packaged import PACKAGED
from cartoon_tfds.sources.splits import content_hash, split_of
from tests.commands import run_command

TRAIN = "cartoon_tfds-train.array_record-00000-of-00001"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of a small dataset."""
    config = CartoonConfig(name="small", recipe=Cartoons(views_per_photo=2, view_size=64))
    builder = Builder(config=config, data_dir=tmp_path_factory.mktemp("data"))
    builder.download_and_prepare()
    return builder.data_path


@pytest.fixture
def folder(built, tmp_path):
    """A copy of that dataset, to be damaged."""
    copy = tmp_path / "cartoon_tfds" / "small" / "2.0.0"
    shutil.copytree(built, copy)
    return copy


def _flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def _rewrite(folder, change):
    """Changes the lines of a manifest and makes its last line right again."""
    lines = [json.loads(line) for line in (folder / manifest.NAME).read_text().splitlines()]
    change(lines)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines[:-1])
    last = json.dumps({"sha256": content_hash(text.encode())})
    (folder / manifest.NAME).write_text(f"{text}{last}\n")


def test_manifest_describes_the_build(built):
    build = manifest.read_build(built)
    assert build["recipe"]["kind"] == "Cartoons"
    assert build["recipe"]["style"] == "ink"
    assert build["recipe"]["views_per_photo"] == 2
    assert build["libraries"].keys() == {"numpy", "opencv-python-headless", "pillow"}
    own = {manifest.NAME, manifest.CROISSANT}
    assert build["files"].keys() == {path.name for path in built.iterdir()} - own


def test_manifest_has_a_line_for_each_example(built):
    examples = list(manifest.read_examples(built))
    records = list(iter_records(built))
    assert len(examples) == len(records) == 16
    by_name = {item.photo_id: item for item in PACKAGED}
    for line, (split, index, record) in zip(examples, records, strict=True):
        assert (line["split"], line["index"]) == (split, index)
        assert line["record"] == content_hash(record)
        assert line["sha256"] == by_name[line["id"]].sha256
        assert split_of(line["sha256"]) == split
        assert line["license"] == by_name[line["id"]].license
        assert len(line["view"]) == 4
        assert line["strength"] == 1
        assert record.count(b"\x89PNG") == 2
        assert line["photo"] != line["cartoon"]


def test_unchanged_dataset_has_no_difference(folder):
    assert manifest.first_difference(folder) is None


@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
def test_flipped_byte_of_a_record_names_file_and_example(folder, part):
    path = folder / TRAIN
    _flip(path, int(path.stat().st_size * part))
    difference = manifest.first_difference(folder)
    assert difference.startswith(f"{TRAIN} differs: ")
    assert "\n" not in difference


def test_flipped_byte_of_a_picture_names_the_example(folder):
    data = (folder / TRAIN).read_bytes()
    records = [record for split, _, record in iter_records(folder) if split == "train"]
    # In the middle of the fourth record's first picture, found by bytes that only it has.
    wanted = records[3].index(b"\x89PNG") + 2000
    position = data.index(records[3][wanted : wanted + 32])
    _flip(folder / TRAIN, position)
    assert "train example 3 " in manifest.first_difference(folder)


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
def test_flipped_byte_of_a_description_names_the_file(folder, name, part):
    _flip(folder / name, int((folder / name).stat().st_size * part))
    assert manifest.first_difference(folder).startswith(f"{name} differs: ")


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.99, 0.9999])
def test_flipped_byte_of_the_manifest_is_found(folder, part):
    path = folder / manifest.NAME
    _flip(path, int(path.stat().st_size * part))
    assert manifest.first_difference(folder).startswith(f"{manifest.NAME} ")


def test_cut_off_files_are_found(folder):
    for name in (manifest.NAME, TRAIN):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])
        assert name in manifest.first_difference(folder)
        (folder / name).write_bytes(data)


def test_missing_and_foreign_files_are_named(folder):
    (folder / "note.txt").write_text("not of the dataset")
    assert manifest.first_difference(folder) == "note.txt does not belong to the dataset."
    (folder / "note.txt").unlink()
    (folder / TRAIN).unlink()
    assert manifest.first_difference(folder).startswith(f"{TRAIN} is missing.")
    (folder / manifest.NAME).unlink()
    assert "cannot be read" in manifest.first_difference(folder)


def test_line_that_says_something_else_is_named(folder):
    def change(lines):
        lines[5]["license"] = "public domain"

    _rewrite(folder, change)
    difference = manifest.first_difference(folder)
    assert difference.startswith("train example 4 (")
    assert difference.endswith("differs from the manifest in license.")


def test_records_that_are_read_ahead_do_not_hide_the_first_difference(folder):
    data = (folder / TRAIN).read_bytes()
    records = [record for split, _, record in iter_records(folder) if split == "train"]
    _flip(folder / TRAIN, data.index(records[4][2000:2032]))
    _rewrite(folder, lambda lines: lines[3].update(license="public domain"))
    assert "train example 2 (" in manifest.first_difference(folder, map_in_order)


def test_too_many_and_too_few_lines_are_found(folder):
    _rewrite(folder, lambda lines: lines.insert(-1, lines[-2]))
    assert manifest.first_difference(folder) == "manifest.jsonl has more lines than examples."
    _rewrite(folder, lambda lines: lines.__delitem__(slice(-3, -1)))
    assert manifest.first_difference(folder).startswith("test example 3 (None)")


def test_check_command(folder):
    def check(*arguments):
        return run_command("-m", "cartoon_tfds", "check", *arguments)

    data_dir = folder.parent.parent.parent
    done = check(data_dir)
    assert (done.returncode, done.stdout.count("all 16 examples match the manifest")) == (0, 1)
    assert check(data_dir, "--config=small").returncode == 0
    done = check(data_dir, "--config=other")
    assert done.returncode == 1
    assert "no dataset other" in done.stderr
    _flip(folder / TRAIN, 5000)
    done = check(data_dir)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {folder}: {TRAIN} differs: ")
    assert len(done.stderr.splitlines()) == 1
