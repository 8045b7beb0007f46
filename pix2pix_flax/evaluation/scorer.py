"""Scores of a report: the scores of the task, and scores that are too slow during a training.

Outputs for the same examples are compared in pairs, outputs for seeds as two sets; one class each.
"""

import abc
import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import numpy as np

from pix2pix_flax.data.pipeline import EvalBatch
from pix2pix_flax.evaluation.evaluate import Evaluation, Row
from pix2pix_flax.evaluation.panel import (
    Extremes,
    Output,
    find_extremes,
    show_pairs,
    show_sets,
)
from pix2pix_flax.evaluation.real_sets import real_distances
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.metrics.distributions import vgg16_distances
from pix2pix_flax.metrics.feature_sets import (
    FEATURES,
    SetsError,
    features_of_both,
    set_distances,
)
from pix2pix_flax.models.frozen.lpips import lpips
from pix2pix_flax.sharding import replicated
from pix2pix_flax.tasks import Task
from pix2pix_flax.tasks.paired import PairedTask
from pix2pix_flax.tasks.unconditional import Unconditional
from pix2pix_flax.typing import Batch, PyTree

FEWEST = 50
"""Number of examples from which distances of distributions are given; see docs/evaluation.md."""

Outputs = dict[str, Output]
Batches = Callable[..., Iterator[EvalBatch]]
Scalars = dict[str, float]
Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Scorer(abc.ABC):
    """Scores outputs, one by one and as a set.

    Attributes:
      task: the task of the network.
      frozen: NumPy weights of frozen networks, by name, which `score` takes.
    """

    task: Task
    frozen: PyTree

    def rows(self, outputs: Outputs, mesh: jax.sharding.Mesh) -> dict[str, Row]:
        """Returns the rows of `evaluate`: the scores of each output, compiled once for all.

        Args:
          outputs: by name, functions from a batch to images [B, H, W, 3] in [-1, 1].
          mesh: the devices.
        """
        score, frozen = jax.jit(self.score), jax.device_put(self.frozen, replicated(mesh))
        return {
            name: lambda batch, output=output: score(output(batch), batch, frozen)
            for name, output in outputs.items()
        }

    @abc.abstractmethod
    def score(self, output: jax.Array, batch: Batch, frozen: PyTree) -> dict[str, jax.Array]:
        """Returns scores [B], and features of outputs and targets [B, 2, 512].

        Args:
          output: [B, H, W, 3] in [-1, 1].
          batch: uint8 `target` [B, H, W, 3].
          frozen: the weights `self.frozen`, as an argument of the compiled function.
        """

    @abc.abstractmethod
    def summarize(self, outputs: Arrays) -> Scalars:
        """Returns the scalars of a split for the arrays of `score` over all its examples."""

    @abc.abstractmethod
    def controls(self, batches: Batches) -> Outputs:
        """Returns the outputs that need no network, by name, each a function of a batch."""

    @abc.abstractmethod
    def real_row(self, result: Evaluation, config, split: str) -> dict[str, Scalars]:
        """Returns the row of real images against real images, by its name; may be empty."""

    @abc.abstractmethod
    def show(
        self,
        outputs: Outputs,
        batches: Batches,
        result: Evaluation,
        order: str,
        rows: int,
    ) -> tuple[dict[str, Any], np.ndarray]:
        """Returns the description of the picture beside a report, and the picture.

        Args:
          outputs: by row, functions from a batch to images.
          batches: reads the prepared examples.
          result: the scores of the examples.
          order: the order of examples; see `panel.choose`.
          rows: number of examples, or of rows and columns of a grid.

        Raises:
          SetsError: the examples have no scores to order them by.
        """

    def extremes(
        self, outputs: Outputs, batches: Batches, result: Evaluation, count: int
    ) -> Extremes | None:
        """Returns `count` examples at both ends of each score; None if outputs have no own scores.

        The other arguments are those of `show`.
        """
        return None

    def tables(self, outputs: Arrays) -> dict[str, list[dict[str, Any]]]:
        """Returns the tables of the task's scores, by name."""
        return self.task.scores.tables(_without_features(outputs))


class PairScorer(Scorer):
    """Compares each output with the target of its example, and all outputs with all targets."""

    task: PairedTask

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree) -> dict[str, jax.Array]:
        """Returns the task's scores and, if VGG16 is there, `lpips_vgg16` and features."""
        found = self.task.scores.score(output, batch, frozen)
        if "vgg16" not in frozen:
            return found
        found[FEATURES] = features_of_both(frozen["vgg16"], output, batch["target"])
        target = normalize(batch["target"])
        output = normalize(denormalize(output))  # 8 bits, as in the task's scores
        found["lpips_vgg16"] = lpips(frozen["vgg16"], output, target, net="vgg16")
        return found

    def summarize(self, outputs: Arrays) -> Scalars:
        """Returns the task's summary and, from `FEWEST` examples on, the distances of the sets."""
        summary = self.task.scores.summarize(_without_features(outputs))
        if len(outputs.get(FEATURES, ())) < FEWEST:
            return summary
        return summary | set_distances(outputs[FEATURES])

    def controls(self, batches: Batches) -> Outputs:
        """Returns the task's controls by name, such as `input`."""
        controls = jax.jit(self.task.controls)
        names = jax.eval_shape(controls, next(batches(batch_size=1)).images)
        return {name: partial(_control, controls, name) for name in names}

    def real_row(self, result: Evaluation, config, split: str) -> dict[str, Scalars]:
        """Returns `target_halves`: every other target against the targets between."""
        features = result.examples["network"].get(FEATURES, ())
        if len(features) < FEWEST:
            return {}
        targets = features[:, 1]
        return {"target_halves": vgg16_distances(targets[::2], targets[1::2])}

    def show(
        self,
        outputs: Outputs,
        batches: Batches,
        result: Evaluation,
        order: str,
        rows: int,
    ) -> tuple[dict[str, Any], np.ndarray]:
        """Returns the panel of examples; see `panel.show_pairs`."""
        return show_pairs(self.task, outputs, batches, result, order=order, count=rows)

    def extremes(
        self, outputs: Outputs, batches: Batches, result: Evaluation, count: int
    ) -> Extremes:
        """Returns the worst and the best examples; see `panel.find_extremes`."""
        scores = by_example(result.examples["network"])
        first = [name for name in self.task.scores.ranked_by if name in scores]
        ordered = {name: scores[name] for name in dict.fromkeys((*first, *scores))}
        return find_extremes(self.task, outputs, batches, result, ordered, count=count)


class SetScorer(Scorer):
    """Compares generated images with real images as two sets; no output belongs to an example."""

    task: Unconditional

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree) -> dict[str, jax.Array]:
        """Returns the features of outputs and targets."""
        return {FEATURES: features_of_both(frozen["vgg16"], output, batch["target"])}

    def summarize(self, outputs: Arrays) -> Scalars:
        """Returns the distances of the sets.

        Raises:
          SetsError: there are fewer than `FEWEST` examples.
        """
        count = len(outputs[FEATURES])
        if count < FEWEST:
            raise SetsError(f"Sets of images need {FEWEST} examples or more, not {count}.")
        return set_distances(outputs[FEATURES])

    def controls(self, batches: Batches) -> Outputs:
        """Returns no controls: every output needs the network."""
        return {}

    def real_row(self, result: Evaluation, config, split: str) -> dict[str, Scalars]:
        """Returns `real`: as many images of the training split against the targets."""
        targets = result.examples["network"][FEATURES][:, 1]
        found = real_distances(config, split, targets, self.frozen["vgg16"])
        return {"real": found} if found else {}

    def show(
        self,
        outputs: Outputs,
        batches: Batches,
        result: Evaluation,
        order: str,
        rows: int,
    ) -> tuple[dict[str, Any], np.ndarray]:
        """Returns a grid of each set; see `panel.show_sets`."""
        return show_sets(outputs, batches, side=rows)


def _control(controls: Callable[[Batch], dict[str, jax.Array]], name: str, batch: Batch):
    return controls(batch)[name]


def _without_features(outputs: Arrays) -> Arrays:
    return {name: values for name, values in outputs.items() if name != FEATURES}


def by_example(outputs: Arrays) -> Arrays:
    """Returns the arrays that hold one number for each example."""
    return {name: values for name, values in outputs.items() if values.ndim == 1}
