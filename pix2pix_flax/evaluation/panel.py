"""A picture of what was scored: examples, chosen by their scores, or sets beside one another."""

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

Output = Callable[[dict[str, jax.Array]], jax.Array]
ORDERS = ("spread", "best", "worst")

_GAP_OF_SETS = 16  # pixels between the grids


def check_order(task: Task, order: str) -> None:
    """Raises a SetsError where examples are to be ordered by scores that they do not have."""
    if order != "spread" and not task.ranked_by:
        raise SetsError(f"Pictures of noise have no scores, so none are the {order}.")


def show_pairs(
    task: Task,
    outputs: dict[str, Output],
    batches: Callable[..., Iterator[EvalBatch]],
    result: Evaluation,
    *,
    order: str,
    count: int,
) -> tuple[dict[str, Any], np.ndarray]:
    """Returns what is shown of examples, and the picture of it.

    Args:
      task: ranks them, and says what is shown of each.
      outputs: from a batch to what a row makes of it; that of `network` is shown.
      batches: reads the prepared examples.
      result: their scores.
      order: see `choose`.
      count: of examples.

    Returns:
      The `ids` of the examples and the `metric` that chose them; and uint8 [H, W, 3], the task's
      columns, such as controls | target | output, one example a row, and its legend if it has one.
    """
    scores = result.examples["network"]
    metric = next(name for name in task.ranked_by if name in scores)
    ids = [result.ids[place] for place in choose(scores[metric], count, order)]
    columns = partial(_columns, jax.jit(task.columns), outputs["network"])
    picture = draw(columns, batches(), ids)
    if task.legend:
        picture = stack([picture, draw_legend(task.legend, picture.shape[1])])
    return {"metric": metric, "ids": ids}, picture


def show_sets(
    outputs: dict[str, Output], batches: Callable[..., Iterator[EvalBatch]], *, side: int
) -> tuple[dict[str, Any], np.ndarray]:
    """Returns what is shown of sets, and the picture of it.

    Args:
      outputs: by row, from a batch to what it makes of the inputs.
      batches: reads the prepared examples, which are taken evenly from the split.
      side: rows and columns of a grid.

    Returns:
      The `ids` of the examples, and `grids`, the sets from left to right, `real` being the last;
      and uint8 [H, W, 3], a grid of each.
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
    """Returns the places of the examples to show, in the order to show them in.

    Args:
      distances: a score an example, of which less is better; a NaN is the worst.
      count: of examples; all where there are no more.
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
    """Returns the columns of examples, uint8 [H, W, 3], one example a row on white.

    Args:
      columns: from a batch to what is shown of its examples beside one another, uint8.
      batches: which hold the examples, and perhaps others.
      ids: of the examples, from top to bottom.
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
