"""The picture beside a report: examples, chosen by their scores, or sets side by side."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import jax
import numpy as np

from pix2pix_flax.data.pipeline import EvalBatch
from pix2pix_flax.evaluation.evaluate import Evaluation
from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.image.sheet import beside, draw_legend, grid, stack
from pix2pix_flax.metrics.feature_sets import SetsError
from pix2pix_flax.tasks import Task
from pix2pix_flax.tasks.paired import PairedTask

Output = Callable[[dict[str, jax.Array]], jax.Array]
ORDERS = ("spread", "best", "worst")

_GAP_OF_SETS = 16  # pixels between the grids


def check_order(task: Task, order: str) -> None:
    """Raises a SetsError if examples have no scores, and so no order but `spread`."""
    if order != "spread" and not task.scores.ranked_by:
        raise SetsError(
            f"Images from seeds have no scores, so none are the {order}: leave out --panel."
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
    """Returns the description of a panel of examples, and the panel.

    Args:
      task: its scores rank the examples, and its columns show them.
      outputs: by row, functions from a batch to images; the row `network` is shown.
      batches: reads the prepared examples.
      result: the scores of the examples.
      order: the order of the examples; see `choose`.
      count: number of examples.

    Returns:
      The `ids` of the examples and the `metric` that chose them; and uint8 [H, W, 3], the task's
      columns, such as controls | target | output, one example in each row, above its legend if it
      has one.
    """
    scores = result.examples["network"]
    metric = next(name for name in task.scores.ranked_by if name in scores)
    ids = [result.ids[place] for place in choose(scores[metric], count, order)]
    columns = partial(_columns, jax.jit(task.columns), outputs["network"])
    picture = draw(columns, batches(), ids)
    if legend := task.representation.legend:
        picture = stack([picture, draw_legend(legend, picture.shape[1])])
    return {"metric": metric, "ids": ids}, picture


def show_sets(
    outputs: dict[str, Output], batches: Callable[..., Iterator[EvalBatch]], *, side: int
) -> tuple[dict[str, Any], np.ndarray]:
    """Returns the description of grids of sets, and the grids side by side.

    Args:
      outputs: by row, functions from a batch to images.
      batches: reads the prepared examples, which are spread evenly over the split.
      side: number of rows and of columns of each grid.

    Returns:
      The `ids` of the examples, and `grids`, the names of the sets from left to right, the last
      being `real`; and uint8 [H, W, 3], one grid for each set.
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
    """Returns the places of the examples to show, in their order.

    Args:
      distances: one score for each example, of which less is better; a NaN is the worst.
      count: number of examples; all, if there are fewer.
      order: `spread` from the best to the worst, evenly by rank, so that the middle one of three is
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
) -> np.ndarray:
    """Returns a panel of examples, uint8 [H, W, 3], one example in each row on white.

    Args:
      columns: from a batch to the columns of its examples, uint8 [B, H, W, 3] each.
      batches: hold the examples, among others.
      ids: ids of the examples, from top to bottom.
    """
    rows: dict[str, np.ndarray] = {}
    for batch in batches:
        places = [place for place, identity in enumerate(batch.ids) if identity in ids]
        if places:
            joined = beside(columns(batch.images))
            rows |= {batch.ids[place]: joined[place] for place in places}
    return stack([rows[identity] for identity in ids])


def _columns(
    columns: Callable[[dict[str, jax.Array], jax.Array], list[jax.Array]],
    network: Output,
    batch: dict[str, jax.Array],
) -> list[jax.Array]:
    return columns(batch, network(batch))
