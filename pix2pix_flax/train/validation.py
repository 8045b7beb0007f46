"""Scores and images of the validation split during a training."""

import functools
import logging
from collections.abc import Iterator

import jax
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.data.pipeline import EvalBatch, different_places, eval_batches
from pix2pix_flax.evaluation.evaluate import evaluate
from pix2pix_flax.image.sheet import beside, panel
from pix2pix_flax.metrics.ranking import rank
from pix2pix_flax.sharding import put_batch
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
        self._batches = functools.partial(
            eval_batches,
            config,
            split=split,
            batch_size=config.train.batch_size,
            crop=config.sizes.validation_crop,
        )
        self.eval_step = jax.jit(task.eval_step)
        self.visualize = jax.jit(task.visualize)

    def check_best_metric(self, state: TrainState) -> None:
        """Raises a UserError, before the first step, if validation has no score of this name."""
        batch = next(self._batches(limit=1)).images
        shapes = jax.eval_shape(self._task.eval_step, state, batch, self._frozen)
        zeros = {name: np.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}
        known, name = self._task.scores.summarize(zeros), self._train.best_metric
        if name not in known:
            raise UserError(
                f"config.train.best_metric must be one of {', '.join(sorted(known))}, not {name!r}."
            )

    def scores(self, state: TrainState, writer: Writer, stop: StopRequest) -> dict[str, float]:
        """Writes and returns the scores of `train.eval_examples`; {} if the training ends."""
        batches = _until_due(self._batches(limit=self._train.eval_examples), stop)
        rows = {"network": lambda batch: self.eval_step(state, batch, self._frozen)}
        with stop.timing("evaluation"):
            found = evaluate(self._task.scores, rows, batches, self._mesh).summary["network"]
        if stop.is_due():  # some examples may have no scores
            return {}
        step, metric = int(state.step), self._train.best_metric
        # The new score comes first, for it is taken if both have the lowest rank: None, and NaN.
        self._best = max(found[metric], self._best, key=functools.partial(rank, metric))
        values = {f"validation/{name}": value for name, value in found.items()}
        writer.scalars(step, values | {f"best/{metric}": self._best})
        shown = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
        _log.info("%s: %s", writer.epochs.describe(step), shown)
        return found

    def preview(self, state: TrainState, writer: Writer) -> None:
        """Writes the images of `config.train.panel_examples`, one by one and all in one."""
        step, rows, captions = int(state.step), {}, self._task.captions
        for batch in self._batches(places=self._shown):
            panels = self.visualize(state, put_batch(batch.images, self._mesh))
            for name, joined in jax.device_get(panels).items():
                images = beside(np.split(joined, len(captions), axis=2))
                rows.setdefault(name, []).extend(images[: batch.count])
                for identity, image in zip(batch.ids, images, strict=False):
                    writer.image(step, f"{name}/{identity}", panel([image], captions))
        for name, images in rows.items():
            writer.preview(step, name, panel(images, captions))


def _until_due(batches: Iterator[EvalBatch], stop: StopRequest) -> Iterator[EvalBatch]:
    """Yields the first batch, and further batches until the training must end."""
    for batch in batches:
        yield batch
        if stop.is_due():
            return
