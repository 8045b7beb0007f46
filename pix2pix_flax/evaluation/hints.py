"""The error of a colouring network against the number of colour hints."""

from functools import partial
from typing import Any

import jax
import numpy as np

from pix2pix_flax.evaluation.panel import Output
from pix2pix_flax.pretrained.generator import TrainedGenerator
from pix2pix_flax.typing import Batch, PyTree

POINTS = (1, 5, 10, 50, 100)
"""Numbers of hints in the report, besides none."""

_ROW = "hints_"


def hinted_outputs(generator: TrainedGenerator) -> dict[str, Output]:
    """Returns the outputs with `POINTS` hints, as `hints_1` and so on; empty without hints.

    Each example has its own places, the same in every run, and more hints keep the places of fewer.
    """
    task = generator.task
    if task.input_kind != "image" or not task.representation.takes_hints:
        return {}

    @jax.jit  # once for all numbers of hints: panels of comics have many sizes
    def predict(variables: PyTree, points: jax.Array, batch: Batch) -> jax.Array:
        inputs = task.representation.evaluation_input(batch, points, max_points=max(POINTS))
        return task.predict_from(variables, inputs)

    return {
        f"{_ROW}{points}": partial(predict, generator.variables, np.int32(points))
        for points in POINTS
    }


def hint_curve(summary: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """Returns a line with the scores for each number of hints; empty without hints.

    Args:
      summary: scalars by row and by score; the row `network` has no hints.
    """
    found = {row: scores for row, scores in summary.items() if row.startswith(_ROW)}
    if not found:
        return []
    numbered = {0: summary["network"]}
    numbered |= {int(row.removeprefix(_ROW)): scores for row, scores in found.items()}
    return [{"points": points, **scores} for points, scores in numbered.items()]
