"""Folders in the layout of the Hugging Face Hub, read by its library and by ours."""

import json
import shutil

import numpy as np
import pytest
from huggingface_hub import ModelCard

from cartoon_tfds.errors import UserError
from pix2pix_flax.export.exporter import ExportError
from pix2pix_flax.export.hub import export_to_hub
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.pretrained.generator import load_generator
from tests.pix2pix_flax.export.networks import PHOTOGRAPHS, cut, run_script


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub") / "mine"
    assert export_to_hub(trained, folder, PHOTOGRAPHS, licence="cc-by-4.0").difference <= 1
    return folder


def test_the_folder_is_a_checkpoint(folder, trained):
    images = cut(2, 24, 40)
    assert np.array_equal(load_predictor(folder)(images), load_predictor(trained)(images))
    config = json.loads((folder / "config.json").read_text())
    assert config == json.loads(load_generator(folder).config.to_json())
    assert sorted(path.name for path in folder.iterdir()) == [
        *("README.md", "config.json", "model.safetensors")
    ]


def test_the_hub_reads_the_metadata(folder):
    data = ModelCard.load(folder / "README.md").data
    assert (data.license, data.library_name) == ("cc-by-4.0", "pix2pix-flax")
    assert data.pipeline_tag == "image-to-image"
    assert {"jax", "translation"} <= set(data.tags)
    scores = {result.metric_type: result.metric_value for result in data.eval_results}
    assert 0 < scores["l1"] < 2
    assert {result.dataset_split for result in data.eval_results} == {"validation"}


def test_the_card_names_pictures_by_licence(folder):
    text = ModelCard.load(folder / "README.md").text
    assert "| CC BY 2.0" in text
    assert "| public domain" in text
    assert "--checkpoint=mine" in text
    assert "{" not in text


def test_scores_of_an_evaluation_take_the_place_of_validation(trained, tmp_path):
    report = {"summary": {"network": {"psnr": 21.5, "l1": None}}, "dataset": "a/b", "split": "test"}
    (tmp_path / "test.json").write_text(json.dumps(report))
    export_to_hub(trained, tmp_path / "x", PHOTOGRAPHS, scores=tmp_path / "test.json")
    card = ModelCard.load(tmp_path / "x" / "README.md")
    (result,) = card.data.eval_results
    assert (result.metric_value, result.dataset_name, result.dataset_split) == (21.5, "a/b", "test")
    assert "| l1 | lower | not finite |" in card.text
    assert (card.data.license, card.data.license_name) == ("other", "not-stated")
    with pytest.raises(UserError, match="no JSON file of pix2pix-flax evaluate"):
        export_to_hub(trained, tmp_path / "y", PHOTOGRAPHS, scores=tmp_path / "x" / "config.json")


def test_scores_of_another_network_are_refused(trained, trained_gan, tmp_path):
    report = {"summary": {"network": {"l1": 0.5}}, "dataset": "a/b", "split": "test"}
    file = tmp_path / "scores.json"
    options = {"scores": file, "overwrite": True}
    for place in (load_generator(trained).origin, tmp_path / "moved" / "checkpoints" / "8"):
        file.write_text(json.dumps({**report, "checkpoints": {"network": str(place)}}))
        export_to_hub(trained, tmp_path / "x", PHOTOGRAPHS, **options)
    file.write_text(json.dumps({**report, "checkpoints": {"network": str(trained_gan)}}))
    with pytest.raises(UserError, match=f"has the scores of {trained_gan}, not of {trained}/"):
        export_to_hub(trained, tmp_path / "x", PHOTOGRAPHS, **options)


def test_a_shipped_network_brings_its_attribution(tmp_path):
    flags = ("--checkpoint=lite", "--format=hub", f"--output={tmp_path / 'lite'}")
    assert run_script("export_generator.py", *flags)[0] == 0
    assert "Sander Klootwijk" in (tmp_path / "lite" / "ATTRIBUTION.md").read_text()
    assert ModelCard.load(tmp_path / "lite" / "README.md").data.license == "apache-2.0"


def test_an_export_replaces_itself_and_its_attribution(folder, trained, tmp_path):
    again = shutil.copytree(folder, tmp_path / "again")
    (again / "ATTRIBUTION.md").write_text("Photographs by Anna")
    export_to_hub(again, again, PHOTOGRAPHS, overwrite=True)
    assert (again / "ATTRIBUTION.md").read_text() == "Photographs by Anna"
    export_to_hub(trained, again, PHOTOGRAPHS, overwrite=True)
    assert not (again / "ATTRIBUTION.md").exists()


@pytest.mark.parametrize("name", ["README.md", "ATTRIBUTION.md"])
def test_files_of_others_are_not_replaced(trained, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ExportError, match=rf"{name} exists already"):
        export_to_hub(trained, tmp_path, PHOTOGRAPHS)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_flags_of_the_card_are_for_the_card(trained, tmp_path):
    flags = (f"--checkpoint={trained}", "--format=onnx", f"--output={tmp_path / 'a.onnx'}")
    code, _, stderr = run_script("export_generator.py", *flags, "--license=mit")
    assert code == 1
    assert "--license is for the card" in stderr
