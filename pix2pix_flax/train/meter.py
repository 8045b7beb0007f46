"""Means and speed of the last training steps, and checks for numbers that are not finite."""

import math
import time

import jax
import jax.numpy as jnp
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.typing import PyTree


class DivergedError(UserError):
    """A loss, a gradient or an array of a network is no longer finite."""

    def __init__(self, names: list[str]):
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        super().__init__(
            f"No longer finite: {shown}. No such step is saved; try a lower "
            "config.optimizer.learning_rate."
        )


class Meter:
    """Gathers the scalars of training steps without waiting for the devices.

    Args:
      batch_size: examples in a step, to compute images per second.
    """

    def __init__(self, batch_size: int):
        self._batch_size = batch_size
        self.restart()

    def restart(self) -> None:
        """Forgets all steps and starts the clock."""
        self._steps: list[dict[str, jax.Array]] = []
        self._waited, self._start = 0.0, time.perf_counter()

    def add(self, metrics: dict[str, jax.Array], waited: float) -> None:
        """Adds the scalars of one step, and the seconds that the devices idled before it."""
        self._steps.append(metrics)
        self._waited += waited

    def means(self) -> dict[str, float]:
        """Returns the means since the last restart and `speed/...`; {} if there was no step.

        Raises:
          DivergedError: naming the scalars that are not finite.
        """
        if not self._steps:
            return {}
        steps = jax.device_get(self._steps)
        seconds = time.perf_counter() - self._start
        means = {name: float(np.mean([step[name] for step in steps])) for name in steps[0]}
        bad = [name for name, value in means.items() if not math.isfinite(value)]
        if bad:
            raise DivergedError(bad)
        return means | {
            "speed/images_per_second": len(steps) * self._batch_size / seconds,
            "speed/input_wait_share": self._waited / seconds,
        }


def duration(seconds: float) -> str:
    """Returns a duration in words: `50 s`, `12 min`, `3 h 05 min`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


@jax.jit
def _are_finite(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: jnp.isfinite(leaf).all(), tree)


def check_finite(arrays: PyTree) -> None:
    """Raises a DivergedError that names the arrays that are not finite.

    A step computes its losses before its update, so they may be finite although the updated arrays
    are not.
    """
    finite = jax.tree_util.tree_leaves_with_path(jax.device_get(_are_finite(arrays)))
    names = [
        jax.tree_util.keystr(path, simple=True, separator=".") for path, ok in finite if not ok
    ]
    if names:
        raise DivergedError(names)
