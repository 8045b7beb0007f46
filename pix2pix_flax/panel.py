"""A picture of examples, chosen by their scores: the best, the worst, or all the way between."""

from collections.abc import Callable, Iterable

import jax
import numpy as np

from pix2pix_flax.augment import denormalize
from pix2pix_flax.data.pipeline import EvalBatch

ORDERS = ("spread", "best", "worst")

_GAP = 4  # pixels between the pictures


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
    controls: Callable[[dict[str, np.ndarray]], dict[str, jax.Array]],
    network: Callable[[dict[str, np.ndarray]], jax.Array],
    batches: Iterable[EvalBatch],
    ids: list[str],
) -> np.ndarray:
    """Returns controls | target | output, uint8 [H, W, 3], one example a row on white.

    Args:
      controls: from a batch to outputs in [-1, 1] that need no network, such as `input`.
      network: from a batch to outputs in [-1, 1].
      batches: which hold the examples, and perhaps others.
      ids: of the examples, from top to bottom.
    """
    rows: dict[str, np.ndarray] = {}
    for batch in batches:
        places = [place for place, identity in enumerate(batch.ids) if identity in ids]
        if places:
            *shown, output = map(
                denormalize, [*controls(batch.images).values(), network(batch.images)]
            )
            joined = _joined([*shown, batch.images["target"], output])
            rows |= {batch.ids[place]: joined[place] for place in places}
    return _stacked([rows[identity] for identity in ids])


def _joined(images: list[np.ndarray]) -> np.ndarray:
    """Returns the pictures of each example beside one another, uint8 [B, H, nW + gaps, 3]."""
    gap = ((0, 0), (0, 0), (0, _GAP), (0, 0))
    parts = [np.pad(part, gap, constant_values=255) for part in images]
    return np.concatenate(parts, axis=2)[:, :, :-_GAP]


def _stacked(rows: list[np.ndarray]) -> np.ndarray:
    width = max(row.shape[1] for row in rows)
    margins = [((0, _GAP), (0, width - row.shape[1]), (0, 0)) for row in rows]
    padded = zip(rows, margins, strict=True)
    return np.concatenate([np.pad(row, margin, constant_values=255) for row, margin in padded])
