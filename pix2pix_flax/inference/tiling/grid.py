"""Cuts a picture into overlapping tiles of one shape, and puts what became of them together."""

from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
import tqdm

_PATIENCE = 3.0  # seconds until a bar appears


class Span(NamedTuple):
    """A tile along one axis: it begins at `origin`, and [start, stop) of the picture is kept."""

    origin: int
    start: int
    stop: int


def spans(length: int, tile: int, halo: int, stride: int) -> list[Span]:
    """Returns the tiles along an axis, in order; what they keep covers it once.

    Where the whole picture has the network's padding, at its border, a tile has it too: the last
    tile is moved inwards instead of being cut. That keeps it on the grid of the encoder, because
    lengths and tiles are multiples of the stride. Neighbours overlap even without a halo, so that
    they can be compared.

    Args:
      length: of the axis, a multiple of `stride`. Where it is at most `tile`, there is one span.
      tile: a multiple of `stride`, at least `smallest_tile(halo, stride)`.
      halo: what each tile loses at least at an edge that is not the picture's.
      stride: tiles begin at its multiples.
    """
    if length <= tile:
        return [Span(0, 0, length)]
    step = (tile - 2 * max(1, halo)) // stride * stride
    origins = [*range(0, length - tile, step), length - tile]
    # In the middle of an overlap, as far from both edges as can be.
    cuts = [0, *((first + tile + second) // 2 for first, second in pairwise(origins)), length]
    return [Span(origin, *kept) for origin, kept in zip(origins, pairwise(cuts), strict=True)]


def smallest_tile(halo: int, stride: int) -> int:
    """Returns the smallest tile that is a multiple of `stride` and has something to keep."""
    return -(-(2 * max(1, halo) + stride) // stride) * stride


def tile_sides(height: int, width: int, tile: int, stride: int) -> tuple[int, int]:
    """Returns the sides of a picture's tiles: square, but as much longer as the picture is narrow.

    So a tile has `tile**2` pixels, or the whole picture has no more. (Small feature maps may also
    make XLA's CPU backend add up in another order than for the whole picture.)
    """
    rows, columns = min(tile, height), min(tile, width)
    if height < tile:
        columns = min(width, tile**2 // height // stride * stride)
    elif width < tile:
        rows = min(height, tile**2 // width // stride * stride)
    return rows, columns


def run_tiles(
    run: Callable[[np.ndarray], np.ndarray],
    picture: np.ndarray,
    *,
    tile: int,
    halo: int,
    stride: int,
    batch_size: int,
    most_seam: int,
    progress: bool,
) -> tuple[np.ndarray | None, int]:
    """Returns what `run` makes of a picture, and by how much its tiles differ where they meet.

    Beside the result itself, memory holds one batch of tiles.

    Args:
      run: uint8 [B, h, w, 3] -> uint8 [B, s * h, s * w, C]; here B is always `batch_size`, and
        h and w are those of `tile_sides`.
      picture: uint8 [H, W, 3], multiples of `stride`.
      tile: side of a square tile; see `spans` for this, `halo` and `stride`.
      halo: what each tile loses at an inner edge.
      stride: tiles begin at its multiples.
      batch_size: tiles in one step.
      most_seam: where tiles differ by more, the rest is left, and the result is None.
      progress: whether to show a bar on standard error, where there is time to read it.

    Returns:
      uint8 [s * H, s * W, C], and the largest difference in levels (0 where there is one tile).
    """
    height, width = tile_sides(*picture.shape[:2], tile, stride)
    rows = spans(len(picture), height, halo, stride)
    columns = spans(picture.shape[1], width, halo, stride)
    places = list(product(rows, columns))
    tiles = [picture[y : y + height, x : x + width] for (y, *_), (x, *_) in places]
    outputs = run_batches(run, tiles, batch_size)
    canvas, seam = None, 0
    with _bar(len(tiles), progress) as bar:
        for (row, column), output in zip(places, outputs, strict=True):
            scale = len(output) // height
            if canvas is None:
                shape = (scale * len(picture), scale * picture.shape[1], output.shape[2])
                canvas = np.empty(shape, output.dtype)
            seam = max(seam, _paste(canvas, output, row, column, scale))
            if seam > most_seam:
                return None, seam
            bar.update()
    return canvas, seam


def _bar(tiles: int, progress: bool) -> tqdm.tqdm:
    """Returns a bar that leaves nothing behind."""
    return tqdm.tqdm(total=tiles, unit=" tiles", delay=_PATIENCE, leave=False, disable=not progress)


def run_batches(
    run: Callable[[np.ndarray], np.ndarray], tiles: list[np.ndarray], batch_size: int
) -> Iterator[np.ndarray]:
    """Yields what `run` makes of each tile [h, w, C]; the last batch is filled up by repetition."""
    for start in range(0, len(tiles), batch_size):
        batch = tiles[start : start + batch_size]
        filled = batch + batch[-1:] * (batch_size - len(batch))
        yield from run(np.stack(filled))[: len(batch)]


def _paste(canvas: np.ndarray, output: np.ndarray, row: Span, column: Span, scale: int) -> int:
    """Writes what a tile keeps; returns by how much it differs from those above and left of it.

    They are compared along the pixels next to the seam: both tiles have computed those.
    """
    (top, bottom), (left, right) = (
        (scale * span.start, scale * span.stop) for span in (row, column)
    )
    whole = canvas[top:bottom, left:right]
    y, x = scale * (row.start - row.origin), scale * (column.start - column.origin)
    inside = slice(y, y + bottom - top), slice(x, x + right - left)
    whole[:] = output[inside]
    seam = 0
    if row.start:
        seam = _difference(canvas[top - 1, left:right], output[y - 1, inside[1]])
    if column.start:
        seam = max(seam, _difference(canvas[top:bottom, left - 1], output[inside[0], x - 1]))
    return seam


def _difference(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(np.int16) - other).max())
