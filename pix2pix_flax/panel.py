"""A picture of examples, chosen by their scores: the best, the worst, or all the way between."""

from collections.abc import Callable, Iterable

import cv2
import jax
import numpy as np

from pix2pix_flax.data.pipeline import EvalBatch

ORDERS = ("spread", "best", "worst")

_GAP = 4  # pixels between the pictures
_LEGEND_CELL = (20, 110)  # height, and least width, of a colour and its name
_FONT = {"fontFace": cv2.FONT_HERSHEY_SIMPLEX, "fontScale": 0.4, "lineType": cv2.LINE_AA}


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
            joined = _joined(columns(batch.images))
            rows |= {batch.ids[place]: joined[place] for place in places}
    return stack([rows[identity] for identity in ids])


def _joined(images: list[np.ndarray]) -> np.ndarray:
    """Returns the pictures of each example beside one another, uint8 [B, H, nW + gaps, 3]."""
    gap = ((0, 0), (0, 0), (0, _GAP), (0, 0))
    parts = [np.pad(part, gap, constant_values=255) for part in images]
    return np.concatenate(parts, axis=2)[:, :, :-_GAP]


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
