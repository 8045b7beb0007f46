"""Times Adam on the parameters of `configs/paper.py`, by leaf and in one flat array.

    python -m benchmarks.adam

The ways take turns. Time of the process counts the work of all threads, so that it means something
on a machine with other work as well.
"""

import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from absl import flags

from benchmarks import step_program
from configs import paper
from pix2pix_flax.cli import command
from pix2pix_flax.typing import PyTree

_TURNS = flags.DEFINE_integer("turns", 8, "Steps of each way, after a first one.", lower_bound=1)
_ADAM = optax.adam(2e-4, b1=0.5, b2=0.999)


def flat(tree: PyTree) -> jax.Array:
    """Returns all numbers of a tree in one vector."""
    return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(tree)])


def by_leaf(params: PyTree, state: PyTree, gradients: PyTree) -> tuple[PyTree, PyTree]:
    """Returns parameters and moments after a step; each argument may be one array."""
    updates, state = _ADAM.update(gradients, state, params)
    return optax.apply_updates(params, updates), state


def gathered(params: jax.Array, state: PyTree, gradients: PyTree) -> tuple[jax.Array, PyTree]:
    """Returns flat parameters and moments after a step; the gradients come by leaf."""
    return by_leaf(params, state, flat(gradients))


def make_step(way: Callable, params: PyTree, gradients: PyTree) -> Callable[[], None]:
    """Makes a function that takes a step and waits for it."""
    params = jax.tree.map(jnp.copy, params)  # which the step takes over
    state = jax.jit(_ADAM.init)(params)
    compiled = jax.jit(way, donate_argnums=(0, 1))

    def step() -> None:
        nonlocal params, state
        params, state = compiled(params, state, gradients)
        jax.block_until_ready((params, state))

    return step


def main(argv: list[str]) -> None:
    """Prints a line for each way."""
    del argv
    shapes = step_program.state_shapes(paper.get_config())
    params = jax.tree.map(
        lambda leaf: jnp.full(leaf.shape, 0.1), [net.params for net in shapes.nets.values()]
    )
    steps = {
        "by leaf": make_step(by_leaf, params, params),
        "flat, gradients too": make_step(by_leaf, flat(params), flat(params)),
        "flat, gradients gathered": make_step(gathered, flat(params), params),
    }
    for step in steps.values():
        step()
    seconds = {name: [] for name in steps}
    for _ in range(_TURNS.value):
        for name, step in steps.items():
            start = time.perf_counter(), time.process_time()
            step()
            end = time.perf_counter(), time.process_time()
            seconds[name].append((end[0] - start[0], end[1] - start[1]))
    for name, values in seconds.items():
        wall, process = (1e3 * statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name}: {wall:.0f} ms, {process:.0f} ms of the process (medians)")


if __name__ == "__main__":
    command.run(main)
