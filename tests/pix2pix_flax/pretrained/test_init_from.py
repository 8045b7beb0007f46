"""Trainings whose generator is a trained one at first."""

import functools
import shutil

import jax
import numpy as np
import pytest

from pix2pix_flax.checkpoint.manager import CheckpointError
from pix2pix_flax.pretrained.generator import load_generator, started_from, to_safetensors
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.train import Trainer, train

ARRAYS = {name: np.zeros((4, 32, 32, 3), np.uint8) for name in ("input", "target")}


def test_a_training_starts_from_the_generator_of_another(trained, smoke_config, tmp_path):
    changes = {"train__steps": 1, "optimizer__learning_rate": 0.0}
    config = smoke_config("l1", init_from=str(trained), **changes)
    assert train(config, tmp_path) == 0
    found = load_generator(tmp_path)
    wanted = load_generator(trained).variables["params"]
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5)
    jax.tree.map(close, found.variables["params"], wanted)
    assert found.config.init_from == str(trained)
    assert str(trained).encode() not in to_safetensors(found)


def test_a_run_that_goes_on_needs_no_beginning(trained, smoke_config, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    trainer = Trainer(smoke_config(init_from=str(tmp_path / "gone")), tmp_path / "run")
    trainer.close()
    assert int(trainer.state.step) == 8


def test_all_else_stays_as_it_is(trained, smoke_config):
    state = jax.jit(make_task(smoke_config(), 1).init)(jax.random.key(0), ARRAYS)
    started = started_from(trained, state)
    assert started.nets["disc"] is state.nets["disc"]
    assert started.nets["gen"].opt_state is state.nets["gen"].opt_state
    pairs = zip(
        *(jax.tree.leaves(started.nets[name].params) for name in ("gen", "gen_ema")), strict=True
    )
    assert all(a is not b for a, b in pairs)  # a step donates both


def test_a_beginning_that_is_missing_or_of_another_network_is_named(trained, smoke_config):
    state = jax.eval_shape(make_task(smoke_config(), 1).init, jax.random.key(0), ARRAYS)
    with pytest.raises(CheckpointError, match="nowhere is not a checkpoint"):
        started_from("nowhere", state)
    task = make_task(smoke_config(generator__width=4), 1)
    state = jax.eval_shape(task.init, jax.random.key(0), ARRAYS)
    message = r"config.init_from: .*holds another network: .* instead of "
    with pytest.raises(CheckpointError, match=message):
        started_from(trained, state)
