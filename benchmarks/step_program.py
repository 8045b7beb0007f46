"""The training step of a configuration as a program for some devices, from shapes alone."""

from collections.abc import Callable, Sequence

import jax
import numpy as np
from jax.sharding import Sharding

from pix2pix_flax.sharding import by_batch, make_mesh, replicated
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks import Task, make_task
from pix2pix_flax.train.step import lower_step
from pix2pix_flax.typing import Batch, PyTree


def lower(config, devices: Sequence[jax.Device]) -> jax.stages.Lowered:
    """Lowers the training step; reads no dataset, and no weights unless the loss needs some.

    Args:
      config: the whole configuration. Its training images are squares of `sizes.canvas`.
      devices: the devices to compile for; they need not exist.
    """
    mesh = make_mesh(config.train.batch_size, devices)
    task = make_task(config, total_steps=100)
    state, batch, frozen = _shapes(task, config)
    whole = replicated(mesh)
    arguments = _on(whole, state), _on(by_batch(mesh), batch), _on(whole, frozen)
    return lower_step(task, *arguments, mesh)


def state_shapes(config) -> TrainState:
    """Returns the shapes and dtypes of a training's state."""
    return _shapes(make_task(config, total_steps=100), config)[0]


def steps(config, compiled: jax.stages.Compiled) -> Callable[[], None]:
    """Returns a function that takes the compiled step once more, from a new state, and waits."""
    task = make_task(config, total_steps=100)
    _, batch, frozen = _shapes(task, config)
    random = np.random.default_rng(0)
    pixels = {
        name: random.integers(0, 256, image.shape, image.dtype) for name, image in batch.items()
    }
    state = jax.jit(task.init)(jax.random.key(0), pixels, frozen)

    def step() -> None:
        nonlocal state
        state, metrics = compiled(state, pixels, frozen)
        jax.block_until_ready((state, metrics))

    return step


def _shapes(task: Task, config) -> tuple[TrainState, Batch, PyTree]:
    """Returns shapes and dtypes of the state, of a batch and of the frozen weights."""
    frozen = jax.tree.map(np.asarray, task.load_frozen())
    size = config.sizes.canvas
    pixels = jax.ShapeDtypeStruct((config.train.batch_size, size, size, 3), np.uint8)
    batch = {"input": pixels, "target": pixels}
    key = jax.eval_shape(lambda: jax.random.key(0))
    return jax.eval_shape(task.init, key, batch, frozen), batch, frozen


def _on(sharding: Sharding, tree: PyTree) -> PyTree:
    """Returns the shapes of the arrays on these devices."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree
    )
