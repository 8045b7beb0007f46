"""The scores of a report: those of the task, and what is too slow for a look during training."""

import dataclasses
import logging
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from pix2pix_flax.evaluation.evaluate import Row
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.metrics.distributions import vgg16_distances
from pix2pix_flax.metrics.feature_sets import FEATURES, SetsError, features_of_both, set_distances
from pix2pix_flax.models.frozen.lpips import lpips
from pix2pix_flax.models.frozen.weights import WeightsMissingError, load_lpips_weights
from pix2pix_flax.sharding import replicated
from pix2pix_flax.tasks import Task
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.typing import PyTree

_log = logging.getLogger(__name__)

FEWEST = 50
"""How many examples a split needs for distances of distributions; see docs/evaluation.md."""

Batch = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True, eq=False)
class Judge:
    """Scores outputs, one by one and as a set.

    Attributes:
      task: whose `score` comes first.
      frozen: the NumPy weights that `score` takes; without `vgg16` the task's scores are all.
    """

    task: Task
    frozen: PyTree

    def rows(
        self, outputs: dict[str, Callable[[Batch], jax.Array]], mesh: jax.sharding.Mesh
    ) -> dict[str, Row]:
        """Returns what `evaluate` takes: the scores of each output, compiled once for all of them.

        Args:
          outputs: by name, from a batch to [B, H, W, 3] in [-1, 1].
          mesh: the devices to use.
        """
        score, frozen = jax.jit(self.score), jax.device_put(self.frozen, replicated(mesh))
        return {
            name: lambda batch, output=output: score(output(batch), batch, frozen)
            for name, output in outputs.items()
        }

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree) -> dict[str, jax.Array]:
        """Returns what `summarize` takes: scores [B], and features of outputs and targets.

        Args:
          output: [B, H, W, 3] in [-1, 1].
          batch: uint8 `target` [B, H, W, 3].
          frozen: this object's, as an argument of the compiled function.
        """
        found = self.task.score(output, batch, frozen)
        if "vgg16" in frozen:
            found[FEATURES] = features_of_both(frozen["vgg16"], output, batch["target"])
        if "vgg16" in frozen and self.task.paired:
            target = normalize(batch["target"])
            output = normalize(denormalize(output))  # 8 bits, as in the task's scores
            found["lpips_vgg16"] = lpips(frozen["vgg16"], output, target, net="vgg16")
        return found

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the task's summary, and the distances of the outputs from the targets.

        Those are `distribution_metrics.vgg16_distances`, where there are `FEWEST` examples.

        Raises:
          SetsError: there are fewer, and nothing else to score them by.
        """
        summary, count = self.task.summarize(_of_task(outputs)), len(outputs.get(FEATURES, ()))
        if count >= FEWEST:
            return summary | set_distances(outputs[FEATURES])
        if not self.task.paired:
            raise SetsError(f"Sets of pictures compare from {FEWEST} examples on, not {count}.")
        return summary

    def tables(self, outputs: dict[str, np.ndarray]) -> dict[str, list[dict[str, Any]]]:
        """Returns the task's tables."""
        return self.task.tables(_of_task(outputs))


def _of_task(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values for name, values in outputs.items() if name != FEATURES}


def by_example(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns those of `Judge.score`'s arrays that hold one number an example."""
    return {name: values for name, values in outputs.items() if values.ndim == 1}


def target_halves(outputs: dict[str, np.ndarray]) -> dict[str, float]:
    """Returns the distances of every other target from those between; {} for too few examples."""
    if len(outputs.get(FEATURES, ())) < FEWEST:
        return {}
    targets = outputs[FEATURES][:, 1]
    return vgg16_distances(targets[::2], targets[1::2])


def make_judge(config, *, vgg16: bool) -> Judge:
    """Returns what scores for a configuration; where weights are missing, it does without them.

    Label maps are no pictures: they are scored by their task alone. Outputs that belong to no
    example are scored by VGG16 alone.

    Args:
      config: the whole configuration.
      vgg16: whether to look through VGG16, which on a CPU takes far longer than all else.

    Raises:
      SetsError: nothing can be scored without VGG16, and it is missing or not wanted.
    """
    task = make_task(config, total_steps=1)
    if not task.paired:
        return Judge(task, _frozen_of_sets(vgg16))
    return Judge(task, {}) if task.legend else _judge_of_pairs(config, vgg16)


def _frozen_of_sets(vgg16: bool) -> PyTree:
    if not vgg16:
        raise SetsError("Images of noise are compared as sets, by VGG16 alone: not without it.")
    try:
        return {"vgg16": load_lpips_weights("vgg16")}
    except WeightsMissingError as error:
        raise SetsError(f"Sets of pictures cannot be compared: {error}") from error


def _judge_of_pairs(config, vgg16: bool) -> Judge:
    config = config.copy_and_resolve_references()
    config.loss_weights.perceptual = config.loss_weights.lpips = 0.0  # nothing is trained here
    config.test.lpips = True
    task = make_task(config, total_steps=1)
    try:
        frozen = task.load_frozen() | ({"vgg16": load_lpips_weights("vgg16")} if vgg16 else {})
        return Judge(task, frozen)
    except WeightsMissingError as error:
        _log.warning("LPIPS and the distances of distributions are left out: %s", error)
    config.test.lpips = False
    return Judge(make_task(config, total_steps=1), {})
