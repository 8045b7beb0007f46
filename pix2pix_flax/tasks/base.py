"""The interface between a task and the training loop."""

from typing import Literal, Protocol

import flax.linen as nn
import jax

from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks.scores import Scores
from pix2pix_flax.typing import Batch, Metrics, PyTree


class Task(Protocol):
    """What is learned: a representation, a step and scores, frozen. Arrays live in the TrainState.

    This protocol is all that training and validation call. Evaluation and inference call more of a
    task; `input_kind` says which class it is: `PairedTask` (images) or `Unconditional` (latents).

    Batches are uint8 images [B, H, W, C]; each task augments and normalises them under jit. In
    evaluation a batch also has `index`, uint32 [B]: the place of each example in its split.
    Frozen weights (the VGG16 of a loss) are no part of the state: `load_frozen` reads them, and the
    compiled functions take them as an argument, for XLA would fold constants for minutes.

    Attributes:
      input_kind: whether the generator takes images or latents.
      module: the generator.
      scores: the scores of validation and evaluation.
      captions: names of the columns of `visualize`, which have one width; at least one.
    """

    @property
    def input_kind(self) -> Literal["image", "latent"]: ...  # noqa: D102

    @property
    def module(self) -> nn.Module: ...  # noqa: D102

    @property
    def scores(self) -> Scores: ...  # noqa: D102

    @property
    def captions(self) -> tuple[str, ...]: ...  # noqa: D102

    def load_frozen(self) -> PyTree:
        """Returns the frozen weights, NumPy arrays by name; may be empty."""

    def init(self, rng: jax.Array, batch: Batch, frozen: PyTree) -> TrainState:
        """Returns the state at step 0 for batches of this shape."""

    def train_step(
        self, state: TrainState, batch: Batch, frozen: PyTree
    ) -> tuple[TrainState, Metrics]:
        """Returns the state after one step, and its scalars, named `network/term`."""

    def eval_step(self, state: TrainState, batch: Batch, frozen: PyTree) -> Metrics:
        """Returns arrays with leading axis B, which `scores.summarize` takes."""

    def visualize(self, state: TrainState, batch: Batch) -> dict[str, jax.Array]:
        """Returns images for TensorBoard, uint8 [B, h, w, 3], by name."""

    def prepare(self, batch: Batch) -> Batch:
        """Returns `input` of `predict`, and `target`, for a batch of the dataset."""

    def predict(self, variables: PyTree, inputs: jax.Array) -> jax.Array:
        """Returns images [B, H, W, 3] in [-1, 1] at inference; pure.

        Args:
          variables: the generator's variables.
          inputs: images uint8 [B, H, W, C], or for latents seeds uint32 [B].
        """

    def network_input(self) -> jax.Array:
        """Returns the smallest input of the generator, to trace the shapes of its weights."""
