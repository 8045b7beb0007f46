"""Runs rows of outputs over a split, and collects their scores."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import jax
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.data.pipeline import EvalBatch
from pix2pix_flax.sharding import put_whole_batch

# From a batch on the devices to arrays with leading axis B, as `Task.eval_step` returns them.
Row = Callable[[dict[str, jax.Array]], dict[str, jax.Array]]


class Summarizer(Protocol):
    """The scores of a task, or the scorer of a report."""

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the scalars of a split for the arrays of all its examples."""


class Evaluation(NamedTuple):
    """The scores of a split.

    Attributes:
      ids: names of the examples, in the order of the arrays.
      examples: arrays by row and by name, one entry for each example.
      summary: scalars by row and by name.
    """

    ids: list[str]
    examples: dict[str, dict[str, np.ndarray]]
    summary: dict[str, dict[str, float]]


def evaluate(
    scores: Summarizer, rows: dict[str, Row], batches: Iterable[EvalBatch], mesh: jax.sharding.Mesh
) -> Evaluation:
    """Returns the scores of each row on all batches.

    Args:
      scores: summarizes the arrays of a row.
      rows: functions from a batch to arrays, by name: a network, or a control without a network.
      batches: the batches; examples that only fill a batch are not scored.
      mesh: the devices.

    Raises:
      UserError: there is no batch.
    """
    ids, examples = collect(rows, batches, mesh)
    return Evaluation(
        ids, examples, {name: scores.summarize(outputs) for name, outputs in examples.items()}
    )


def collect(
    rows: dict[str, Row], batches: Iterable[EvalBatch], mesh: jax.sharding.Mesh
) -> tuple[list[str], dict[str, dict[str, np.ndarray]]]:
    """Returns the `ids` and `examples` of an `Evaluation`; see `evaluate`.

    Raises:
      UserError: there is no batch.
    """
    ids: list[str] = []
    parts: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in rows}
    for batch in batches:
        ids.extend(batch.ids)
        images = put_whole_batch(batch.images, mesh)
        for name, row in rows.items():
            outputs = jax.device_get(row(images))
            parts[name].append({key: value[: batch.count] for key, value in outputs.items()})
    if not ids:
        raise UserError("There are no examples to evaluate on: the split is empty.")
    return ids, {name: _joined(outputs) for name, outputs in parts.items()}


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
