"""What a task is, and the networks that it is made of."""

from typing import Any, Protocol

import jax
import numpy as np

from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.typing import Batch, Metrics, PyTree


class Task(Protocol):
    """What is learned: networks, losses and optimizers, frozen. Arrays live in the TrainState.

    Batches are uint8 images [B, H, W, C]; each task augments and normalises by itself, in jit. In
    evaluation there is also `index`, uint32 [B]: each example's place in its split.
    Weights that are never trained (a loss's VGG16) are no part of the state: `load_frozen` reads
    them, and they are handed to the compiled functions, which would fold them in otherwise.

    Attributes:
      paired: whether each output belongs to its example's target. Where not, an example's pictures
        say nothing of the output beside them, and only sets of both are compared.
      colours: whether what `predict` makes of a grey picture has colours of its own.
      ranked_by: scores of which less is better; by the first that there is, examples are ordered.
      legend: what colours stand for, by name, where outputs are label maps; empty for pictures,
        which metrics of perception may compare.
      scale: size of what `predict` returns over that of its inputs.
    """

    paired: bool
    colours: bool
    ranked_by: tuple[str, ...]
    legend: dict[str, tuple[int, int, int]]
    scale: int

    def load_frozen(self) -> PyTree:
        """Returns the NumPy arrays that are handed on as `frozen`; `{}` where there are none."""

    def prepare(self, batch: Batch) -> Batch:
        """Returns what `predict` takes as `input`, and `target`, of the pictures in the dataset."""

    def network_input(self) -> jax.Array:
        """Returns the smallest thing that G takes, to see which weights it has."""

    def init(self, rng: jax.Array, batch: Batch, frozen: PyTree) -> TrainState:
        """Returns the state at step 0 for batches shaped like this one."""

    def train_step(
        self, state: TrainState, batch: Batch, frozen: PyTree
    ) -> tuple[TrainState, Metrics]:
        """Returns the state after one step and its scalars, named `net/term`."""

    def eval_step(self, state: TrainState, batch: Batch, frozen: PyTree) -> Metrics:
        """Returns arrays with leading axis B: one value an example, for `summarize`."""

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns a split's scalars from `eval_step`'s arrays of all its examples."""

    def tables(self, outputs: dict[str, np.ndarray]) -> dict[str, list[dict[str, Any]]]:
        """Returns what a summary has no room for: tables by name, each a list of rows."""

    def columns(self, batch: Batch, output: jax.Array) -> list[jax.Array]:
        """Returns what is shown of pairs beside one another, uint8 [B, h, w, 3] each.

        Args:
          batch: the examples.
          output: what `predict` makes of them.
        """

    def visualize(self, state: TrainState, batch: Batch) -> dict[str, jax.Array]:
        """Returns pictures to look at, uint8 [B, h, w, 3], by name."""

    def predict(self, variables: PyTree, inputs: jax.Array) -> jax.Array:
        """Returns the generator's images in [-1, 1]; pure, for inference.

        Args:
          variables: the generator's.
          inputs: pictures uint8 [B, H, W, C]; where it takes noise, seeds uint32 [B].
        """
