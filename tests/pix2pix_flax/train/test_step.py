"""The cost of the step's program, and layouts in memory that the compiler chooses."""

import importlib
import importlib.metadata
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.layout import Format, Layout

from benchmarks.step_program import lower
from pix2pix_flax.checkpoint.manager import Checkpoints
from pix2pix_flax.sharding import make_mesh, replicated
from pix2pix_flax.steps.state import NetState, TrainState
from pix2pix_flax.train import Trainer
from pix2pix_flax.train.stop import StopRequest

ROOT = Path(__file__).parents[3]


def pinned(package):
    text = (ROOT / "constraints.txt").read_text()
    return re.search(rf"^{package}==(\S+)", text, flags=re.MULTILINE)[1]


@pytest.mark.skipif(
    any(importlib.metadata.version(name) != pinned(name) for name in ("jax", "flax", "optax")),
    reason="other versions than in constraints.txt",
)
@pytest.mark.parametrize(
    ("name", "gigaflops", "gigabytes"), [("paper", 85.55, 18.32), ("l1", 29.01, 7.88)]
)
def test_the_cost_of_a_step_stays(name, gigaflops, gigabytes):
    config = importlib.import_module(f"configs.{name}").get_config()
    config.train.batch_size = 1
    cost = lower(config, jax.devices()[:1]).cost_analysis()
    assert cost["flops"] / 1e9 == pytest.approx(gigaflops, rel=0.01)
    assert cost["bytes accessed"] / 1e9 == pytest.approx(gigabytes, rel=0.05)


def test_a_checkpoint_is_free_of_layouts(tmp_path):
    whole = replicated(make_mesh(4))
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 5)).astype(np.float32)
    channels_first = Format(Layout(major_to_minor=(3, 2, 0, 1)), whole)
    net = NetState({"kernel": jax.device_put(kernel, channels_first)}, {})
    step, rng = jax.device_put((jnp.zeros((), jnp.int32), jax.random.key(0)), whole)
    checkpoints = Checkpoints(tmp_path, keep=1, best_metric="l1")
    checkpoints.save(TrainState(step, rng, {"gen": net}), {}, {})
    checkpoints.wait()
    zeros = NetState({"kernel": jax.device_put(jnp.zeros(kernel.shape), whole)}, {})
    restored = checkpoints.restore(TrainState(step, rng, {"gen": zeros})).state
    checkpoints.close()
    found = restored.nets["gen"].params["kernel"]
    np.testing.assert_array_equal(found, kernel)
    assert found.format == zeros.params["kernel"].format != net.params["kernel"].format


def test_a_training_takes_the_layouts_that_the_compiler_chooses(
    smoke_config, tmp_path, monkeypatch
):
    monkeypatch.setattr("pix2pix_flax.train.step._CHOOSING", ("cpu",))
    trainer = Trainer(smoke_config("supervised", train__steps=2), tmp_path)
    (wanted, *_), _ = trainer.train_step.input_formats
    assert jax.tree.map(lambda leaf: leaf.format, trainer.state.nets) == wanted.nets
    with StopRequest() as stop:
        assert trainer.run(stop)
    trainer.close()
    assert (tmp_path / "checkpoints" / "2").is_dir()
