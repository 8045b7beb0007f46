"""The training step, lowered for the devices of a training."""

import jax
from jax.experimental.layout import Format, Layout
from jax.sharding import Mesh

from pix2pix_flax.sharding import by_batch, replicated
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks import Task
from pix2pix_flax.typing import Batch, PyTree

_CHOOSING = ("gpu",)  # platforms whose compiler chooses layouts


def lower_step(
    task: Task, state: TrainState, batch: Batch, frozen: PyTree, mesh: Mesh
) -> jax.stages.Lowered:
    """Lowers the training step, which takes over the memory of its state.

    On GPUs the compiler chooses the order in memory of each parameter and of its moments, so that
    convolutions read and write them without copies. `placed` puts a state in this order.

    Args:
      task: the task of the training.
      state: the shapes and dtypes of the state.
      batch: a global batch, or its shapes and dtypes.
      frozen: the frozen weights, or their shapes and dtypes.
      mesh: the devices; arrays lie on them.
    """
    whole = replicated(mesh)
    chosen = Format(Layout.AUTO, whole)
    nets = chosen if mesh.devices.flat[0].platform in _CHOOSING else whole
    places = TrainState(step=whole, rng=whole, nets=nets, extra=whole)
    step = jax.jit(
        task.train_step,
        donate_argnums=0,
        in_shardings=(places, by_batch(mesh), whole),
        out_shardings=(places, whole),
    )
    return step.lower(state, batch, frozen)


def placed(state: TrainState, step: jax.stages.Compiled) -> TrainState:
    """Returns the state with the arrays of its networks in the order of the compiled step."""
    (formats, *_), _ = step.input_formats
    return state.replace(nets=jax.device_put(state.nets, formats.nets))
