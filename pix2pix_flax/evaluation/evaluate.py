"""Scores of outputs on a split: an example at a time, and as a whole."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import jax
import numpy as np

from pix2pix_flax.data.pipeline import EvalBatch
from pix2pix_flax.sharding import put_batch

# From a batch on the devices to arrays with leading axis B, as `Task.eval_step` gives them.
Row = Callable[[dict[str, jax.Array]], dict[str, jax.Array]]


class Summarizes(Protocol):
    """A task, or what scores more than the task does."""

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns a split's scalars from a row's arrays of all its examples."""


class Evaluation(NamedTuple):
    """What was measured on a split.

    Attributes:
      ids: the examples' names, in the order of the arrays.
      examples: by row, then by name: what the row gave, an entry an example.
      summary: by row, then by metric: the split's value.
    """

    ids: list[str]
    examples: dict[str, dict[str, np.ndarray]]
    summary: dict[str, dict[str, float]]


def evaluate(
    task: Summarizes, rows: dict[str, Row], batches: Iterable[EvalBatch], mesh: jax.sharding.Mesh
) -> Evaluation:
    """Returns the scores of each row on all batches.

    Args:
      task: summarizes.
      rows: what is scored, by name: a network, or a control that needs none.
      batches: of which only the examples that count are scored.
      mesh: the devices to use.

    Raises:
      ValueError: where there is no batch.
    """
    ids, examples = collect(rows, batches, mesh)
    return Evaluation(
        ids, examples, {name: task.summarize(outputs) for name, outputs in examples.items()}
    )


def collect(
    rows: dict[str, Row], batches: Iterable[EvalBatch], mesh: jax.sharding.Mesh
) -> tuple[list[str], dict[str, dict[str, np.ndarray]]]:
    """Returns the `ids` and `examples` of an `Evaluation`; see `evaluate`.

    Raises:
      ValueError: where there is no batch.
    """
    ids: list[str] = []
    parts: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in rows}
    for batch in batches:
        ids.extend(batch.ids)
        images = put_batch(batch.images, mesh)
        for name, row in rows.items():
            outputs = jax.device_get(row(images))
            parts[name].append({key: value[: batch.count] for key, value in outputs.items()})
    if not ids:
        raise ValueError("There are no examples to evaluate on.")
    return ids, {name: _joined(outputs) for name, outputs in parts.items()}


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
