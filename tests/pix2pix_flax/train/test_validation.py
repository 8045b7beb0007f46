"""Which checkpoint of a training is the best one, and by what."""

import shutil

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import pytest

from pix2pix_flax.checkpoint.manager import Checkpoints, find_checkpoint
from pix2pix_flax.data.pipeline import eval_batches
from pix2pix_flax.data.source import DatasetError
from pix2pix_flax.models.frozen.weights import WeightsMissingError, load_lpips_weights
from pix2pix_flax.sharding import make_mesh
from pix2pix_flax.steps.state import NetState, TrainState
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.tasks.scores import ImageScores
from pix2pix_flax.train import Trainer, train
from pix2pix_flax.train.result import best_step
from pix2pix_flax.train.validation import Validation
from tests.pix2pix_flax.data.shards import NAME, SHARD, flip_a_bit


def save(workdir, metrics, best_metric):
    """Saves a step for each dict of metrics, from step 1 on; the last one and the best stay."""
    checkpoints = Checkpoints(workdir, keep=1, best_metric=best_metric)
    config = {"sizes": {}, "train": {"best_metric": best_metric}}
    net = NetState({"kernel": jnp.zeros((2, 2))}, {}, ())
    for step, values in enumerate(metrics, start=1):
        state = TrainState(jnp.int32(step), jnp.zeros(2), {"gen": net})
        checkpoints.save(state, {"config": config}, values)
    checkpoints.close()


def steps(workdir):
    return sorted(int(path.name) for path in (workdir / "checkpoints").iterdir())


def test_any_metric_of_the_validation_can_decide(tmp_path):
    nan = float("nan")
    metrics = [
        {"lpips": 0.30, "l1": 0.02, "psnr": 30.0},
        {"lpips": nan, "l1": 0.01, "psnr": nan},
        {"lpips": 0.10, "l1": 0.04, "psnr": 29.0},
        {"lpips": 0.20, "l1": 0.03, "psnr": 28.0},
        {"lpips": nan, "l1": nan, "psnr": nan},
    ]
    for name, expected in (("lpips", 3), ("l1", 2), ("psnr", 1)):
        save(tmp_path / name, metrics, best_metric=name)
        assert steps(tmp_path / name) == [expected, 5]
        assert find_checkpoint(tmp_path / name).name == str(expected)


def test_another_metric_at_a_resume_has_its_own_best_step(tmp_path):
    metrics = [{"l1": 0.1, "psnr": 20.0}, {"l1": 0.3, "psnr": 30.0}]
    save(tmp_path, metrics, best_metric="l1")
    assert find_checkpoint(tmp_path).name == "1"
    config = ml_collections.ConfigDict({"train": {"best_metric": "psnr"}})
    step, score = best_step(tmp_path, config)
    assert (step.name, score) == ("2", 30.0)


def test_pictures_that_equal_their_targets_are_no_part_of_the_mean_of_psnr():
    scores = ImageScores(lpips=False)
    outputs = {"psnr": np.float32([20, np.inf, 30]), "l1": np.float32([0.1, 0, 0.2])}
    assert scores.summarize(outputs) == {"psnr": 25.0, "l1": pytest.approx(0.1)}
    assert scores.summarize({"psnr": np.float32([np.inf, np.inf])}) == {"psnr": np.inf}
    assert np.isnan(scores.summarize({"psnr": np.float32([np.nan, np.inf])})["psnr"])


def test_a_metric_that_there_is_not_is_refused_before_the_first_step(smoke_config, tmp_path):
    for name in ("PSNR", "lpips", "validation/l1"):  # the second would want config.evaluation.lpips
        expected = f"^config.train.best_metric must be one of l1, psnr, ssim, not '{name}'.$"
        with pytest.raises(ValueError, match=expected):
            train(smoke_config("supervised", train__best_metric=name), tmp_path)
        assert steps(tmp_path) == []


def check_best_metric(config):
    """Checks the name of the best metric as a training does before its first step."""
    task, mesh = make_task(config, total_steps=1), make_mesh(config.train.batch_size)
    (batch,) = eval_batches(config, split="test", batch_size=4, limit=1)
    pair = {name: batch.images[name] for name in ("input", "target")}
    state = jax.eval_shape(task.init, jax.random.key(0), pair, ())
    Validation(config, task, mesh, ()).check_best_metric(state)


@pytest.mark.parametrize(
    ("name", "metric", "known"),
    [
        ("comics", "white_kept", "white_kept"),
        ("styles", "l1_ink", "l1_ink, l1_poster"),  # the examples have the style number 1, ink
        ("styles", "l1_poster", "l1_ink, l1_poster"),
    ],
)
def test_scores_that_not_every_example_has_can_decide(name, metric, known, smoke_config):
    styles = {"data__styles": ("poster", "ink"), "styled__style": "ink"} if name == "styles" else {}
    check_best_metric(smoke_config(name, **styles, train__best_metric=metric))
    with pytest.raises(ValueError, match=f"must be one of .*{known}.*, not 'l1_oil'"):
        check_best_metric(smoke_config(name, **styles, train__best_metric="l1_oil"))


def test_a_damaged_first_record_does_not_end_a_training(dataset_dir, smoke_config, tmp_path):
    shutil.copytree(dataset_dir / NAME, tmp_path / NAME)
    flip_a_bit(tmp_path / NAME / "2.0.0" / SHARD.format("train"))  # the record 12
    config = smoke_config(
        "supervised",
        data__data_dir=str(tmp_path),
        data__validation_split="train[12:]",
        data__max_damaged=1,
    )
    check_best_metric(config)


def test_lpips_can_decide_where_it_is_measured(smoke_config, tmp_path):
    try:
        load_lpips_weights("alexnet")
    except WeightsMissingError as error:
        pytest.skip(str(error))
    Trainer(
        smoke_config("supervised", train__best_metric="lpips", evaluation__lpips=True), tmp_path
    ).close()
    with pytest.raises(ValueError, match="one of l1, lpips, psnr, ssim, not 'lpip'"):
        Trainer(
            smoke_config("supervised", train__best_metric="lpip", evaluation__lpips=True), tmp_path
        )


def test_a_validation_split_that_there_is_not_is_refused_before_the_first_step(
    smoke_config, tmp_path
):
    with pytest.raises(DatasetError, match="no split 'valid'; it has: train, validation, test"):
        train(smoke_config("supervised", data__validation_split="valid"), tmp_path)


def test_scores_without_a_value_are_left_out_and_named_once(
    smoke_config, tmp_path, monkeypatch, caplog
):
    summarize = ImageScores.summarize

    def with_nan(self, outputs):
        return summarize(self, outputs) | {"psnr": float("nan")}

    monkeypatch.setattr(ImageScores, "summarize", with_nan)
    assert train(smoke_config("supervised"), tmp_path) == 0
    assert steps(tmp_path) == [4, 8]
    for file in (tmp_path / "log.jsonl", tmp_path / "checkpoints" / "8" / "metrics" / "metrics"):
        assert "NaN" not in file.read_text()
        assert "l1" in file.read_text()
    (message,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert message.startswith("psnr: no value on the validation examples, so left out.")
