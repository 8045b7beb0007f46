"""The loop: what it refuses, survives and saves. What it goes on with is in test_resume.py."""

import itertools
import json
import shutil

import jax
import jax.numpy as jnp
import pytest

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import InUseError, locked
from pix2pix_flax.checkpoint.integrity import CheckpointError
from pix2pix_flax.data.source import DatasetError
from pix2pix_flax.sharding import put_batch
from pix2pix_flax.steps.supervised import SupervisedStep
from pix2pix_flax.train import Trainer, train
from pix2pix_flax.train.meter import DivergedError
from pix2pix_flax.train.stop import StopRequest


@pytest.fixture
def finished(trained, tmp_path):
    """A copy of a finished run, to go on from."""
    return shutil.copytree(trained, tmp_path / "copy")


def steps(workdir):
    return sorted(int(path.name) for path in (workdir / "checkpoints").iterdir())


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def log(workdir):
    return [json.loads(line) for line in (workdir / "log.jsonl").read_text().splitlines()]


def run_data(workdir, step):
    return json.loads((workdir / "checkpoints" / str(step) / "run" / "metadata").read_text())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("steps", -1),
        ("epochs", 0.0),
        ("log_every_steps", 0),
    ],
)
def test_number_that_has_to_be_positive_is_named(name, value, smoke_config, tmp_path):
    config = smoke_config(**{f"train__{name}": value})
    with pytest.raises(ValueError, match=f"config.train.{name} must be more than 0, not {value}"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("eval_every_steps", -1), ("keep_every_epochs", -0.5), ("preview_every_minutes", -1.0)],
)
def test_number_that_may_be_zero_is_named(name, value, smoke_config, tmp_path):
    config = smoke_config(**{f"train__{name}": value})
    with pytest.raises(ValueError, match=f"config.train.{name} must be at least 0, not {value}"):
        train(config, tmp_path / "run")


def test_finished_run_does_nothing_and_goes_on_when_it_is_made_longer(
    finished, smoke_config, caplog
):
    checkpoints, lines = contents(finished / "checkpoints"), log(finished)
    caplog.set_level("INFO", "pix2pix_flax")
    assert train(smoke_config(), finished) == 0
    assert "All 8 steps are done; config.train.steps asks for more." in caplog.messages
    assert contents(finished / "checkpoints") == checkpoints
    assert log(finished) == lines
    assert train(smoke_config(train__steps=10), finished) == 0
    assert steps(finished) == [4, 8, 10]
    assert {line["step"] for line in log(finished)[len(lines) :]} == {10}


def test_best_score_is_of_the_whole_run(finished, smoke_config):
    config = smoke_config(train__steps=10, optimizer__learning_rate=0.5, ema_decay=0.01)
    assert train(config, finished) == 0
    found = [line for line in log(finished) if "best/l1" in line]
    assert [line["step"] for line in found] == [4, 8, 10]
    scores = [line["validation/l1"] for line in found]
    assert scores[-1] > min(scores)
    assert [line["best/l1"] for line in found] == list(itertools.accumulate(scores, min))


def test_error_right_after_a_save_does_not_lose_it(smoke_config, tmp_path, monkeypatch):
    config = smoke_config("supervised", train__epochs=2.0)  # of 20 examples in batches of 4
    save = Trainer._save

    def save_and_fail(self, stop, metrics):
        save(self, stop, metrics)
        raise RuntimeError("right after the save")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save", save_and_fail)
        with pytest.raises(RuntimeError, match="right after the save"):
            train(config, tmp_path)
    assert steps(tmp_path) == [4]
    assert (tmp_path / "checkpoints" / "4" / "manifest.json").exists()
    assert train(config, tmp_path) == 0
    assert steps(tmp_path) == [4, 8, 10]
    assert "gan" not in run_data(tmp_path, 10)["config"]["loss_weights"]


def test_second_trainer_is_refused(finished, smoke_config):
    before = contents(finished)
    with locked(finished), pytest.raises(InUseError, match="in use by process"):
        train(smoke_config(train__steps=10), finished)
    assert {p: b for p, b in contents(finished).items() if p.name != "lock"} == {
        p: b for p, b in before.items() if p.name != "lock"
    }


def test_changed_network_is_refused_with_the_differing_arrays(finished, smoke_config):
    before = contents(finished / "checkpoints")
    with pytest.raises(CheckpointError, match="another network") as error:
        train(smoke_config(generator__width=4), finished)
    assert "nets.gen.params.down0.bias is float32[8] instead of float32[4]" in str(error.value)
    assert "more." in str(error.value)
    with pytest.raises(CheckpointError, match=r"nets\.disc\.\S+ is not wanted"):
        train(smoke_config("l1"), finished)
    assert contents(finished / "checkpoints") == before


@pytest.mark.parametrize(
    "change",
    [
        {"data__train_split": "test"},
        {"data__features": ("cartoon", "photo")},
        {"sizes__canvas": 36},
        {"train__batch_size": 8},
        {"seed": 1},
    ],
)
def test_changed_data_are_refused(finished, smoke_config, change):
    before = contents(finished / "checkpoints")
    with pytest.raises(DatasetError, match="take a new --workdir"):
        train(smoke_config(**change), finished)
    assert contents(finished / "checkpoints") == before


def test_less_than_a_step_is_refused(smoke_config, tmp_path):
    with pytest.raises(UserError, match=r"epochs=0.01 is less than one step"):
        train(smoke_config(train__epochs=0.01), tmp_path)


def test_diverged_training_stops_and_saves_nothing(finished, smoke_config):
    before = contents(finished / "checkpoints")
    config = smoke_config(train__steps=10, optimizer__learning_rate=1e30)
    with pytest.raises(DivergedError, match=r"^No longer finite: disc/fake, disc/grad_norm, "):
        train(config, finished)
    assert contents(finished / "checkpoints") == before


def test_bad_update_after_finite_losses_is_not_saved(smoke_config, tmp_path, monkeypatch):
    take_step = SupervisedStep.__call__

    def step(self, nets, *arguments):
        nets, metrics = take_step(self, nets, *arguments)
        params = jax.tree.map(lambda leaf: leaf + jnp.inf, nets["gen"].params)
        return {**nets, "gen": nets["gen"].replace(params=params)}, metrics

    monkeypatch.setattr(SupervisedStep, "__call__", step)
    with pytest.raises(DivergedError, match=r"^No longer finite: gen\.params\.down0\.bias, "):
        train(smoke_config("supervised", train__steps=1), tmp_path)
    assert steps(tmp_path) == []


def test_unwritable_logs_do_not_stop_the_training(smoke_config, tmp_path, caplog):
    (tmp_path / "log.jsonl").mkdir()
    assert train(smoke_config("supervised"), tmp_path) == 0
    assert steps(tmp_path) == [4, 8]
    warnings = [r.getMessage() for r in caplog.records if r.name == "pix2pix_flax.train.writer"]
    assert len(warnings) == 1


def test_each_function_is_compiled_once_and_another_shape_is_an_error(smoke_config, tmp_path):
    lowered = []

    def listen(event, seconds, fun_name="", **_):
        if event == "/jax/core/compile/jaxpr_to_mlir_module_duration":
            lowered.append(fun_name)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        trainer = Trainer(smoke_config("supervised"), tmp_path)
        with StopRequest() as stop:
            trainer.run(stop)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    for name in ("train_step", "eval_step", "visualize"):
        assert lowered.count(f"jit({name})") == 1, name
    batch = put_batch(next(trainer.iterator), trainer.mesh)
    trainer.train_step(trainer.state, batch, trainer.frozen)
    cut = {name: x[:, 4:, 4:] for name, x in batch.items()}
    with pytest.raises(TypeError, match=r"uint8\[4,36,36,3\]"):
        trainer.train_step(trainer.state, cut, trainer.frozen)
    trainer.close()
