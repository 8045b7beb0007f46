"""How a report is written, and the command that writes it."""

import dataclasses
import json

import cv2
import numpy as np
import pytest

from pix2pix_flax.data.source import open_source
from pix2pix_flax.evaluation.report import Report
from pix2pix_flax.evaluation.report_text import as_json, as_table, caption
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.pretrained.generator import load_generator, to_safetensors
from tests.commands import run_command


def read_json(text):
    """Reads JSON as the standard has it, without NaN and Infinity."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def make_report(**fields):
    """Returns a report with some fields; the others are empty."""
    empty = {
        "checkpoints": {},
        "dataset": "cartoon_tfds/tiny",
        "split": "test",
        "eval_size": 0,
        "canvas_mode": "crop",
        "count": 0,
        "summary": {},
        "tables": {},
        "panel": {},
        "examples": [],
    }
    return Report(**(empty | fields))


def test_the_table_has_a_line_for_each_row():
    summary = {
        "network": {"l1": 0.04, "psnr": 21.26789},
        "input": {"l1": 0.000123456, "psnr": float("inf")},
        "exact": {"l1": 0.0, "psnr": -0.00321},
    }
    assert as_table(make_report(summary=summary)).splitlines() == [
        "               l1     psnr",
        "network    0.0400  21.2679",
        "input    1.23e-04      inf",
        "exact      0.0000  -0.0032",
    ]


def test_distances_of_sets_are_a_table_of_their_own():
    summary = {
        "network": {"l1": 0.04, "lpips_vgg16": 0.2, "vgg16_frechet": 12.5, "vgg16_kernel": 1e-5},
        "input": {"l1": 0.1, "lpips_vgg16": 0.3, "vgg16_frechet": 100.25, "vgg16_kernel": 0.5},
        "target_halves": {"vgg16_frechet": 9.0, "vgg16_kernel": -2e-5},
    }
    assert as_table(make_report(summary=summary)).splitlines() == [
        "             l1  lpips_vgg16",
        "network  0.0400       0.2000",
        "input    0.1000       0.3000",
        "",
        "As sets, by features of VGG16:",
        "                frechet     kernel",
        "network         12.5000   1.00e-05",
        "input          100.2500     0.5000",
        "target_halves    9.0000  -2.00e-05",
    ]


def test_sets_alone_are_one_table():
    summary = {"network": {"vgg16_frechet": 12.5}, "real": {"vgg16_frechet": 9.0}}
    assert as_table(make_report(summary=summary)).splitlines() == [
        "As sets, by features of VGG16:",
        "         frechet",
        "network  12.5000",
        "real      9.0000",
    ]
    panel = {"order": "spread", "grids": ["network", "real"]}
    assert caption(make_report(panel=panel)) == "from left to right: network, real"


def test_json_has_no_infinity():
    report = make_report(
        summary={"input": {"psnr": float("inf"), "l1": 0.5}},
        examples=[{"id": "0:a", "input": {"psnr": float("nan")}}, {"n": [float("-inf"), 3]}],
    )
    assert read_json(as_json(report)) == dataclasses.asdict(report) | {
        "summary": {"input": {"psnr": None, "l1": 0.5}},
        "examples": [{"id": "0:a", "input": {"psnr": None}}, {"n": [None, 3]}],
    }
    assert report.summary["input"]["psnr"] == float("inf")


@pytest.fixture
def script(trained, monkeypatch):
    """Runs scripts/evaluate_checkpoint.py."""

    def run(**arguments):
        flags = [f"--{name}={value}" for name, value in arguments.items()]
        return run_command("scripts/evaluate_checkpoint.py", *flags)

    return run


def test_the_script_writes_scores_picture_and_table(script, trained, tmp_path):
    output = tmp_path / "new" / "scores.json"
    picture = output.with_suffix(".png")
    done = script(
        checkpoint=trained, split="validation", output=output, panel="worst", panel_rows=2
    )
    assert done.returncode == 0, done.stderr
    report = read_json(output.read_text())
    assert report["split"] == "validation"
    assert report["count"] == len(report["examples"]) == 4
    lines = done.stdout.splitlines()
    assert lines[0] == "4 examples of cartoon_tfds/tiny, split validation: squeezed to 32x32"
    assert lines[1:-2] == as_table(Report(**report)).splitlines()
    assert lines[-2] == f"Scores: {output}"
    assert lines[-1] == f"Picture: {picture}, the worst by {report['panel']['metric']}"
    assert len(report["panel"]["ids"]) == 2
    assert cv2.imread(str(picture)).shape == (64 + 2 * 36, 104, 3)  # under names


def test_a_file_is_scored_on_another_dataset_than_its_own(script, trained, dataset_dir, tmp_path):
    generator = load_generator(trained)
    config = generator.config.copy_and_resolve_references()
    config.data.name, config.sizes.evaluation = "cartoon_tfds/elsewhere", 0
    config.data.features = ("before", "after")
    file = tmp_path / "generator.safetensors"
    file.write_bytes(to_safetensors(dataclasses.replace(generator, config=config)))
    settings = {"checkpoint": file, "split": "test", "output": tmp_path / "scores.json"}
    done = script(**settings, data_dir=dataset_dir, vgg16=False)
    assert "No prepared dataset 'cartoon_tfds/elsewhere'" in done.stderr
    assert done.stderr.endswith("was trained on it; --dataset and --data_dir name another\n")
    settings |= {"data_dir": dataset_dir, "vgg16": False, "dataset": "cartoon_tfds/tiny"}
    assert "Examples have no feature 'before'" in script(**settings).stderr
    done = script(**settings, features="photo,photo")  # so the row `input` is perfect
    assert done.returncode == 0, done.stderr
    first = "8 examples of cartoon_tfds/tiny, split test: each in its own size"
    assert done.stdout.splitlines()[0] == first

    report = read_json((tmp_path / "scores.json").read_text())
    assert report["checkpoints"] == {"network": str(file)}
    assert "lpips_vgg16" not in report["summary"]["network"]
    photo = open_source("cartoon_tfds/tiny", "test", str(dataset_dir))[0]["photo"]
    output = load_predictor(file)(photo[None])[0]
    entry = next(entry for entry in report["examples"] if entry["id"].startswith("0:"))
    expected = np.abs(np.float64(output) - photo).mean() / 127.5
    np.testing.assert_allclose(entry["network"]["l1"], expected, rtol=1e-3)
    for scores in (entry["input"], report["summary"]["input"]):
        assert (scores["l1"], scores["psnr"]) == (0.0, None)
    assert "inf" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"checkpoint": "nowhere"}, "nowhere is not a checkpoint and not a work directory"),
        ({"split": "tset"}, "has no split 'tset'; it has: train, validation, test"),
        ({"output": "scores.png"}, "--output=scores.png does not end in .json"),
    ],
)
def test_a_wrong_flag_is_one_line(script, trained, tmp_path, arguments, message):
    settings = {"checkpoint": trained, "split": "test", "output": tmp_path / "scores.json"}
    done = script(**{**settings, **arguments})
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
