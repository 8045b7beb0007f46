"""Small runs of checkpoints, whose arrays tell by which step they were saved."""

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax.checkpoint.manager import Checkpoints
from pix2pix_flax.steps.state import NetState, TrainState

RUN = {"config": {"sizes": {}, "train": {"best_metric": "l1"}}, "data": {}}


def make_state(step, size=64):
    weights = jax.random.uniform(jax.random.key(step), (size,)).at[0].set(step)
    return TrainState(jnp.int32(step), jax.random.key(0), {"gen": NetState({"w": weights}, {})})


def open_checkpoints(workdir):
    return Checkpoints(workdir, keep=2, best_metric="l1")


def save(workdir, *steps):
    checkpoints = open_checkpoints(workdir)
    for step in steps:
        checkpoints.save(make_state(step), RUN, {})
    checkpoints.close()


def restored_step(workdir, size=64):
    """Starts as a training does; returns the step that it goes on from, None for a beginning."""
    checkpoints = open_checkpoints(workdir)
    try:
        restored = checkpoints.restore(make_state(0, size))
    finally:
        checkpoints.close()
    if restored is None:
        return None
    step = int(restored.state.step)
    expected = make_state(step, size).nets["gen"].params["w"]
    np.testing.assert_array_equal(restored.state.nets["gen"].params["w"], expected)
    return step


def names(workdir):
    return sorted(path.name for path in (workdir / "checkpoints").iterdir())


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flip_a_bit(path, draw=None):
    """Flips a bit that `draw`, a `random.Random`, chooses; by default one in the middle."""
    data = bytearray(path.read_bytes())
    bit = draw.randrange(8 * len(data)) if draw else 4 * len(data) + 2
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
