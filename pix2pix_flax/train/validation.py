"""Scores and images of the validation split during a training."""

import functools
import logging
import math
from collections.abc import Iterator

import jax
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.data.pipeline import EvalBatch, different_places, eval_batches
from pix2pix_flax.evaluation.evaluate import evaluate
from pix2pix_flax.image.sheet import beside, panel
from pix2pix_flax.metrics.ranking import rank
from pix2pix_flax.sharding import put_whole_batch, replicated
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks import Task
from pix2pix_flax.train.stop import StopRequest
from pix2pix_flax.train.writer import Writer
from pix2pix_flax.typing import PyTree

_log = logging.getLogger(__name__)


class Validation:
    """Scores and images of always the same validation examples.

    Args:
      config: the whole configuration.
      task: the task of the training.
      mesh: the devices.
      frozen: the frozen weights of the task, on the devices.
      best: the best score of the run so far, by config.train.best_metric; None: there is no score.
    """

    def __init__(
        self,
        config,
        task: Task,
        mesh: jax.sharding.Mesh,
        frozen: PyTree,
        best: float | None = None,
    ):
        self._best = best
        self._train, self._task, self._mesh, self._frozen = config.train, task, mesh, frozen
        split, count = config.data.validation_split, config.train.panel_examples
        self._shown = different_places(config, split, count)
        self.batches = functools.partial(
            eval_batches,
            config,
            split=split,
            batch_size=config.train.batch_size,
            crop=config.sizes.validation_crop,
        )
        self._missing: set[str] = set()  # scores that were not finite
        # Each host can read whole outputs.
        self.eval_step = jax.jit(task.eval_step, out_shardings=replicated(mesh))
        self.visualize = jax.jit(task.visualize, out_shardings=replicated(mesh))

    def check_best_metric(self, state: TrainState) -> None:
        """Raises a UserError, before the first step, if validation has no score of this name."""
        batch = next(self.batches(batch_size=1)).images  # of the first example that is whole
        shapes = jax.eval_shape(self._task.eval_step, state, batch, self._frozen)
        zeros = {name: np.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}
        known, name = self._task.scores.summary_names(zeros), self._train.best_metric
        if name not in known:
            raise UserError(
                f"config.train.best_metric must be one of {', '.join(sorted(known))}, not {name!r}."
            )

    def scores(
        self, state: TrainState, writer: Writer, stop: StopRequest
    ) -> dict[str, float] | None:
        """Writes and returns the scores of `train.eval_examples`; None if the training ends."""
        batches = _until_due(self.batches(limit=self._train.eval_examples), stop)
        rows = {"network": lambda batch: self.eval_step(state, batch, self._frozen)}
        with stop.timing("evaluation"):
            found = evaluate(self._task.scores, rows, batches, self._mesh).summary["network"]
        if stop.is_due():  # some examples may have no scores
            return None
        found = self._finite(found)
        self.record(int(state.step), found, writer)
        return found

    def record(self, step: int, scores: dict[str, float], writer: Writer) -> None:
        """Writes the scores of a step, and the best score so far."""
        metric = self._train.best_metric
        values = {f"validation/{name}": value for name, value in scores.items()}
        if metric in scores:
            self._best = max(self._best, scores[metric], key=functools.partial(rank, metric))
            values[f"best/{metric}"] = self._best
        writer.scalars(step, values)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
        _log.info("%s: %s", writer.epochs.describe(step), shown)

    def _finite(self, scores: dict[str, float]) -> dict[str, float]:
        """Returns the scores that are numbers; logs the names of the others once."""
        missing = {name for name, value in scores.items() if not math.isfinite(value)}
        if new := sorted(missing - self._missing):
            _log.warning(
                "%s: no value on the validation examples, so left out. Some scores need more "
                "examples (config.train.eval_examples is %d).",
                ", ".join(new),
                self._train.eval_examples,
            )
        self._missing |= missing
        return {name: value for name, value in scores.items() if name not in missing}

    def preview(self, state: TrainState, writer: Writer) -> None:
        """Writes the images of `config.train.panel_examples`, one by one and all in one."""
        step, rows, captions = int(state.step), {}, self._task.captions
        for batch in self.batches(places=self._shown):
            panels = self.visualize(state, put_whole_batch(batch.images, self._mesh))
            for name, joined in jax.device_get(panels).items():
                images = beside(np.split(joined, len(captions), axis=2))
                rows.setdefault(name, []).extend(images[: batch.count])
                for identity, image in zip(batch.ids, images, strict=False):
                    writer.image(step, f"{name}/{identity}", panel([image], captions))
        for name, images in rows.items():
            writer.preview(step, name, images, captions)


def _until_due(batches: Iterator[EvalBatch], stop: StopRequest) -> Iterator[EvalBatch]:
    """Yields the first batch, and further batches until the training must end."""
    for batch in batches:
        yield batch
        if stop.is_due():
            return
