"""Scores of a split against scikit-image, and what a report says of them."""

import functools
import logging

import cv2
import jax
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pix2pix_flax.data.pipeline import eval_batches
from pix2pix_flax.data.source import open_source
from pix2pix_flax.evaluation import scorer
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.evaluate import evaluate
from pix2pix_flax.evaluation.report import evaluate_checkpoint
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.metrics.distributions import vgg16_distances
from pix2pix_flax.metrics.feature_sets import pooled_features
from pix2pix_flax.models.frozen.lpips import lpips
from pix2pix_flax.models.frozen.weights import WeightsMissingError, load_lpips_weights
from pix2pix_flax.sharding import make_mesh
from pix2pix_flax.tasks import scores as task_scores
from pix2pix_flax.tasks.factory import make_task


def pairs(config, split="test"):
    """Returns the (photo, cartoon) pairs of a split, as evaluation sees them."""
    source = open_source(config.data.name, split, config.data.data_dir)
    images = [(source[i]["photo"], source[i]["cartoon"]) for i in range(len(source))]
    if config.sizes.evaluation:
        size = (config.sizes.evaluation, config.sizes.evaluation)
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
    config = smoke_config(sizes__evaluation=0)
    task = make_task(config, total_steps=1)
    score = jax.jit(lambda batch: task.scores.score(task.controls(batch)["input"], batch))
    batches = eval_batches(config, split="test", batch_size=batch_size)
    result = evaluate(task.scores, {"input": score}, batches, make_mesh(batch_size))

    expected = [scores(photo, cartoon) for photo, cartoon in pairs(config)]
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
        evaluate(task.scores, {"input": lambda batch: batch}, [], make_mesh(4))


@pytest.fixture(scope="module")
def reported(trained):
    """The report and panel on the trained network, beside an earlier step of it."""
    return evaluate_checkpoint(
        trained, DatasetChoice("test"), baseline=trained / "checkpoints" / "4", panel_rows=3
    )


def test_the_report_says_what_a_user_gets(reported, trained, smoke_config):
    report, _ = reported
    assert report.count == len(report.examples) == 8
    assert (report.dataset, report.split) == ("cartoon_tfds/tiny", "test")
    predict = {row: load_predictor(path) for row, path in report.checkpoints.items()}
    assert predict["baseline"].checkpoint == trained / "checkpoints" / "4"
    assert predict["network"].checkpoint == load_predictor(trained).checkpoint
    for entry in report.examples:
        photo, cartoon = pairs(smoke_config())[int(entry["id"].split(":")[0])]
        outputs = {row: run(photo[None])[0] for row, run in predict.items()} | {"input": photo}
        assert entry.keys() == {"id", *outputs}
        for row, output in outputs.items():
            assert_scores(entry[row], scores(output, cartoon))
    for row, summary in report.summary.items():
        for name, value in summary.items():
            mean = np.mean([entry[row][name] for entry in report.examples])
            np.testing.assert_allclose(value, mean, rtol=1e-5)
    assert report.summary["network"] != report.summary["baseline"]


def test_lpips_is_left_out_with_a_word(monkeypatch, trained, caplog):
    def missing(net):
        raise WeightsMissingError("LPIPS weights are not installed: pip install 'x[lpips]'")

    monkeypatch.setattr(task_scores, "load_lpips_weights", missing)
    with caplog.at_level(logging.WARNING):
        report, _ = evaluate_checkpoint(trained, DatasetChoice("validation"), panel_rows=1)
    assert "are left out: LPIPS weights are not installed: pip install" in caplog.text
    assert report.count == 4
    assert report.summary.keys() == {"network", "input"}
    assert report.summary["network"].keys() == {"l1", "psnr", "ssim"}


@pytest.mark.parametrize(
    ("metric", "net"),
    [("lpips", "alexnet"), pytest.param("lpips_vgg16", "vgg16", marks=pytest.mark.long)],
)
def test_lpips_is_measured_on_what_a_user_gets(metric, net, reported, trained, smoke_config):
    report, _ = reported
    try:
        weights = load_lpips_weights(net)
    except WeightsMissingError as error:
        assert metric not in report.summary["network"]
        pytest.skip(str(error))
    photos, cartoons = (np.stack(images) for images in zip(*pairs(smoke_config()), strict=True))
    run = jax.jit(functools.partial(lpips, weights, net=net))
    for row, outputs in (("network", load_predictor(trained)(photos)), ("input", photos)):
        expected = run(*(images / np.float32(127.5) - 1 for images in (outputs, cartoons)))
        found = [entry[row][metric] for entry in report.examples]
        np.testing.assert_allclose(found, expected, rtol=2e-2)


def features(images):
    """Returns what VGG16 sees in uint8 pictures, or skips the test."""
    try:
        vgg16 = load_lpips_weights("vgg16")
    except WeightsMissingError as error:
        pytest.skip(str(error))
    return np.asarray(jax.jit(pooled_features)(vgg16, normalize(np.stack(images))))


def test_sets_are_compared_with_the_targets(trained, smoke_config, monkeypatch):
    monkeypatch.setattr(scorer, "FEWEST", 12)  # as many as there are
    report, _ = evaluate_checkpoint(trained, DatasetChoice("validation+test"), panel_rows=1)
    photos, cartoons = zip(*pairs(smoke_config(), "validation+test"), strict=True)
    real = features(cartoons)
    outputs = {"network": load_predictor(trained)(np.stack(photos)), "input": photos}
    expected = {row: vgg16_distances(real, features(images)) for row, images in outputs.items()}
    expected["target_halves"] = vgg16_distances(real[::2], real[1::2])
    assert report.summary.keys() == expected.keys()
    for row, distances in expected.items():
        found = {name: report.summary[row][name] for name in distances}
        assert found == pytest.approx(distances, rel=0.02, abs=1e-4), row
    assert report.summary["target_halves"].keys() == expected["input"].keys()
    assert report.summary["network"].keys() > expected["network"].keys()
    assert "features" not in report.examples[0]["network"]


def test_there_are_no_distances_of_few_examples(reported):
    report, _ = reported
    assert report.count < scorer.FEWEST
    assert "target_halves" not in report.summary
    for row in report.summary.values():
        assert not [name for name in row if name.startswith("vgg16_")]


def test_without_vgg16_there_is_the_rest(trained):
    report, _ = evaluate_checkpoint(trained, DatasetChoice("validation"), vgg16=False, panel_rows=1)
    assert report.summary["network"].keys() - {"lpips"} == {"l1", "psnr", "ssim"}
