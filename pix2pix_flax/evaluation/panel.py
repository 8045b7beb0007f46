"""The panel of a report: examples that are chosen by their scores, or sets of images in grids."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from pix2pix_flax.data.pipeline import EvalBatch
from pix2pix_flax.evaluation.evaluate import Evaluation
from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.image.sheet import beside, draw_legend, grid, panel, stack
from pix2pix_flax.metrics.feature_sets import SetsError
from pix2pix_flax.metrics.ranking import HIGHER_IS_BETTER
from pix2pix_flax.tasks import Task
from pix2pix_flax.tasks.paired import PairedTask

Output = Callable[[dict[str, jax.Array]], jax.Array]
ORDERS = ("spread", "best", "worst")

_GAP_OF_SETS = 16  # pixels between two grids


class Extremes(NamedTuple):
    """The worst and the best examples of a split by each score.

    Attributes:
      captions: the names of the columns of a row.
      orders: ids of the examples by score and by `worst` or `best`, the most extreme first.
      rows: the images of each of these examples side by side, uint8 [h, W, 3], by id.
      scores: the scores of each of these examples, by id and by name.
    """

    captions: tuple[str, ...]
    orders: dict[tuple[str, str], list[str]]
    rows: dict[str, np.ndarray]
    scores: dict[str, dict[str, float]]


def check_order(task: Task, order: str) -> None:
    """Raises a SetsError if the examples have no scores, and `order` is not `spread`."""
    if order != "spread" and not task.scores.ranked_by:
        raise SetsError(
            f"Images from seeds have no scores, so they cannot be ordered by `{order}`: "
            "leave out --panel."
        )


def show_pairs(
    task: PairedTask,
    outputs: dict[str, Output],
    batches: Callable[..., Iterator[EvalBatch]],
    result: Evaluation,
    *,
    order: str,
    count: int,
) -> tuple[dict[str, Any], np.ndarray]:
    """Draws a panel of examples, and returns its description and the panel.

    Args:
      task: the task, whose scores rank the examples and whose columns are drawn.
      outputs: functions from a batch to images, by the row's name; the row `network` is drawn.
      batches: makes an iterator over the prepared examples.
      result: the scores of the examples.
      order: order of the examples, one of `ORDERS`; see `choose`.
      count: number of examples.

    Returns:
      The description: `ids` of the examples, and `metric`, the name of the score that ranks them.
      The panel, uint8 [H, W, 3]: one example in each row, in the task's columns (for example
      controls | target | output) under their names, above the legend of the task if it has one.
    """
    scores = result.examples["network"]
    metric = next(name for name in task.scores.ranked_by if name in scores)
    ids = [result.ids[place] for place in choose(scores[metric], count, order)]
    picture = draw(_columns_of(task, outputs), batches(), ids, task.captions)
    if legend := task.representation.legend:
        picture = stack([picture, draw_legend(legend, picture.shape[1])])
    return {"metric": metric, "ids": ids}, picture


def find_extremes(
    task: PairedTask,
    outputs: dict[str, Output],
    batches: Callable[..., Iterator[EvalBatch]],
    result: Evaluation,
    scores: dict[str, np.ndarray],
    *,
    count: int,
) -> Extremes:
    """Returns the worst and the best examples by each score; each example is drawn once.

    Args:
      task: see `show_pairs`.
      outputs: see `show_pairs`.
      batches: see `show_pairs`.
      result: the evaluation, which has the ids.
      scores: one number for each example, by name. Where it is not-a-number, the example has no
        such score and is at neither end of it.
      count: number of examples at each end of each score.
    """
    orders = {}
    for name, values in scores.items():
        (scored,) = np.nonzero(~np.isnan(values))
        distances = values[scored] * (-1 if name in HIGHER_IS_BETTER else 1)
        for end in ("worst", "best"):
            chosen = scored[choose(distances, count, end)]
            orders[name, end] = [result.ids[place] for place in chosen]
    shown = set().union(*orders.values())
    found = {
        identity: {name: float(values[place]) for name, values in scores.items()}
        for place, identity in enumerate(result.ids)
        if identity in shown
    }
    rows = draw_rows(_columns_of(task, outputs), batches(), shown)
    return Extremes(task.captions, orders, rows, found)


def show_sets(
    outputs: dict[str, Output], batches: Callable[..., Iterator[EvalBatch]], *, side: int
) -> tuple[dict[str, Any], np.ndarray]:
    """Draws one grid for each set of images, and returns their description and the panel.

    Args:
      outputs: functions from a batch to images, by the set's name.
      batches: makes an iterator over `limit` examples, spread evenly over the split.
      side: number of rows and of columns of each grid.

    Returns:
      The description: `ids` of the examples, and `grids`, the names of the sets from left to
      right; the last one is `real`.
      The panel, uint8 [H, W, 3]: the grids side by side.
    """
    sets: dict[str, list[np.ndarray]] = {name: [] for name in (*outputs, "real")}
    ids: list[str] = []
    for batch in batches(limit=side**2):
        ids.extend(batch.ids)
        made = {name: denormalize(output(batch.images)) for name, output in outputs.items()}
        for name, images in (made | {"real": batch.images["target"]}).items():
            sets[name].extend(np.asarray(images)[: batch.count])
    grids = [grid(np.stack(images)) for images in sets.values()]
    return {"grids": list(sets), "ids": ids}, beside(grids, _GAP_OF_SETS)


def choose(distances: np.ndarray, count: int, order: str) -> list[int]:
    """Returns the indices of `count` examples, in the given order.

    Args:
      distances: one score for each example, lower is better; NaN is the worst.
      count: number of examples; the number of scores limits it.
      order: `spread`, from the best to the worst, evenly by rank, so that the second of three is
        the median; `best`, best first; `worst`, worst first.
    """
    ranked = np.argsort(distances, kind="stable")
    if order == "worst":
        ranked = ranked[::-1]
    count = min(count, len(ranked))
    last = len(ranked) - 1 if order == "spread" else count - 1
    return [int(ranked[round(rank)]) for rank in np.linspace(0, last, count)]


def draw(
    columns: Callable[[dict[str, np.ndarray]], list[jax.Array]],
    batches: Iterable[EvalBatch],
    ids: list[str],
    captions: Sequence[str],
) -> np.ndarray:
    """Draws a panel of examples on white, uint8 [H, W, 3], one example in each row.

    Args:
      columns: function from a batch to its columns, uint8 [B, H, W, 3] each.
      batches: batches that contain the examples, and may contain more.
      ids: ids of the examples, from top to bottom.
      captions: names of the columns.
    """
    rows = draw_rows(columns, batches, ids)
    return panel([rows[identity] for identity in ids], captions)


def draw_rows(
    columns: Callable[[dict[str, np.ndarray]], list[jax.Array]],
    batches: Iterable[EvalBatch],
    ids: Collection[str],
) -> dict[str, np.ndarray]:
    """Returns the columns of examples side by side, uint8 [h, W, 3], by id; see `draw`."""
    rows: dict[str, np.ndarray] = {}
    for batch in batches:
        places = [place for place, identity in enumerate(batch.ids) if identity in ids]
        if places:
            joined = beside(columns(batch.images))
            rows |= {batch.ids[place]: joined[place] for place in places}
    return rows


def _columns_of(
    task: PairedTask, outputs: dict[str, Output]
) -> Callable[[dict[str, jax.Array]], list[jax.Array]]:
    """Returns the function from a batch to the columns of its rows."""
    return partial(_columns, jax.jit(task.columns), outputs["network"])


def _columns(
    columns: Callable[[dict[str, jax.Array], jax.Array], list[jax.Array]],
    network: Output,
    batch: dict[str, jax.Array],
) -> list[jax.Array]:
    return columns(batch, network(batch))
