"""A picture of what was scored: examples, chosen by their scores, or sets beside one another."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import cv2
import jax
import numpy as np

from pix2pix_flax.data.pipeline import EvalBatch
from pix2pix_flax.evaluation.evaluate import Evaluation
from pix2pix_flax.image.augment import denormalize
from pix2pix_flax.image.sheet import grid
from pix2pix_flax.metrics.feature_sets import SetsError
from pix2pix_flax.tasks import Task

Output = Callable[[dict[str, jax.Array]], jax.Array]
ORDERS = ("spread", "best", "worst")

_GAP = 4  # pixels between the pictures
_GAP_OF_SETS = 16  # pixels between the grids
_LEGEND_CELL = (20, 110)  # height, and least width, of a colour and its name
_FONT = {"fontFace": cv2.FONT_HERSHEY_SIMPLEX, "fontScale": 0.4, "lineType": cv2.LINE_AA}


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


def beside(images: list[np.ndarray], gap: int = _GAP) -> np.ndarray:
    """Returns pictures uint8 [..., h, w, 3] beside one another on white, uint8 [..., h, W, 3]."""
    white = np.full_like(images[0][..., :gap, :], 255)
    first, *others = images
    return np.concatenate([first, *(part for image in others for part in (white, image))], axis=-2)


def stack(rows: list[np.ndarray]) -> np.ndarray:
    """Returns pictures uint8 [h, w, 3] below one another on white, uint8 [H, W, 3]."""
    width = max(row.shape[1] for row in rows)
    margins = [((0, _GAP), (0, width - row.shape[1]), (0, 0)) for row in rows]
    padded = zip(rows, margins, strict=True)
    return np.concatenate([np.pad(row, margin, constant_values=255) for row, margin in padded])


def draw_legend(colours: dict[str, tuple[int, int, int]], width: int) -> np.ndarray:
    """Returns what colours stand for, uint8 [H, width, 3]: names beside squares, on white.

    Args:
      colours: RGB by name; names that are too long for the width are cut.
      width: in pixels.
    """
    columns = max(1, width // _LEGEND_CELL[1])
    height, cell = _LEGEND_CELL[0], width // columns
    rows = -(-len(colours) // columns)
    picture = np.full((rows * height, width, 3), 255, np.uint8)
    for place, (name, colour) in enumerate(colours.items()):
        top, left = place // columns * height, place % columns * cell
        picture[top + 2 : top + height - 2, left : left + height - 4] = colour
        label = np.full((height, max(0, cell - height), 3), 255, np.uint8)
        cv2.putText(label, name, (0, height - 6), color=(0, 0, 0), **_FONT)
        picture[top : top + height, left + height : left + cell] = label
    return picture
