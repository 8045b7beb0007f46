"""Cuts an image into overlapping tiles of one shape, and joins the outputs of the tiles."""

import dataclasses
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
import tqdm

_PATIENCE = 3.0  # seconds until a bar appears


class Span(NamedTuple):
    """One axis of a tile: it begins at `origin`; its output is kept in [start, stop)."""

    origin: int
    start: int
    stop: int


def spans(length: int, tile: int, halo: int, stride: int) -> list[Span]:
    """Returns the tiles along an axis, in order; their kept parts cover the axis once.

    The last tile is moved inwards instead of being cut, so that at the image's border the network
    pads a tile exactly as it pads the whole image. The moved tile stays on the grid of the encoder,
    because lengths and tiles are multiples of the stride. Neighbours overlap by more than their
    halos, so that their outputs can be compared.

    Args:
      length: size of the axis, a multiple of `stride`. If it is at most `tile`, the result is one
        span.
      tile: side of a tile, a multiple of `stride`, at least `smallest_tile(halo, stride)`.
      halo: pixels that each tile loses at least at an edge inside the image.
      stride: tiles begin at multiples of it.
    """
    if length <= tile:
        return [Span(0, 0, length)]
    step = (tile - 2 * _margin(halo)) // stride * stride
    origins = [*range(0, length - tile, step), length - tile]
    # Cut in the middle of an overlap, as far from the edges of both tiles as possible.
    cuts = [0, *((first + tile + second) // 2 for first, second in pairwise(origins)), length]
    return [Span(origin, *kept) for origin, kept in zip(origins, pairwise(cuts), strict=True)]


def smallest_tile(halo: int, stride: int) -> int:
    """Returns the smallest tile: a multiple of `stride` that holds two margins and one stride."""
    return -(-(2 * _margin(halo) + stride) // stride) * stride


def _margin(halo: int) -> int:
    """Returns the pixels that a tile loses, and one more, whose output neighbours compare."""
    return halo + 1


def tile_sides(height: int, width: int, tile: int, stride: int) -> tuple[int, int]:
    """Returns (height, width) of an image's tiles: square, or longer if the image is narrow.

    A tile has about `tile**2` pixels, unless the whole image has fewer. (On small feature maps,
    XLA's CPU backend may also sum in another order than on the whole image.)
    """
    rows, columns = min(tile, height), min(tile, width)
    if height < tile:
        columns = min(width, tile**2 // height // stride * stride)
    elif width < tile:
        rows = min(height, tile**2 // width // stride * stride)
    return rows, columns


@dataclasses.dataclass(frozen=True)
class TileGrid:
    """Settings that determine how an image is cut into tiles.

    Attributes:
      tile: side of a square tile in pixels; see `spans` for this, `halo` and `stride`.
      halo: pixels that each tile loses at an edge inside the image.
      stride: tiles begin at multiples of it.
      batch_size: number of tiles per step.
    """

    tile: int
    halo: int
    stride: int
    batch_size: int


def run_tiles(
    run: Callable[[np.ndarray], np.ndarray],
    picture: np.ndarray,
    grid: TileGrid,
    *,
    most_seam: int,
    progress: bool,
) -> tuple[np.ndarray | None, int]:
    """Runs a function on an image tile by tile, and measures how well neighbouring tiles agree.

    Only the result and one batch of tiles are in memory.

    Args:
      run: uint8 [B, h, w, 3] -> uint8 [B, s * h, s * w, C]; B is always `grid.batch_size`, and h
        and w come from `tile_sides`.
      picture: the image, uint8 [H, W, 3]; H and W are multiples of `grid.stride`.
      grid: tile size, halo, stride and batch size.
      most_seam: largest accepted difference in levels between neighbouring tiles at their seam; a
        larger one ends the run, and the result is None.
      progress: whether to show a progress bar on standard error if the run takes long.

    Returns:
      The result, uint8 [s * H, s * W, C], and the largest difference in levels (0 for one tile).
    """
    height, width = tile_sides(*picture.shape[:2], grid.tile, grid.stride)
    rows = spans(len(picture), height, grid.halo, grid.stride)
    columns = spans(picture.shape[1], width, grid.halo, grid.stride)
    places = list(product(rows, columns))
    tiles = [picture[y : y + height, x : x + width] for (y, *_), (x, *_) in places]
    outputs = run_batches(run, tiles, grid.batch_size)
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
    """Returns a progress bar that erases itself at the end."""
    hidden = None if progress else True  # None: tqdm hides the bar if stderr is no terminal
    return tqdm.tqdm(total=tiles, unit=" tiles", delay=_PATIENCE, leave=False, disable=hidden)


def run_batches(
    run: Callable[[np.ndarray], np.ndarray], tiles: list[np.ndarray], batch_size: int
) -> Iterator[np.ndarray]:
    """Yields `run`'s output for each tile [h, w, C]; fills the last batch with its last tile."""
    for start in range(0, len(tiles), batch_size):
        batch = tiles[start : start + batch_size]
        filled = batch + batch[-1:] * (batch_size - len(batch))
        yield from run(np.stack(filled))[: len(batch)]


def _paste(canvas: np.ndarray, output: np.ndarray, row: Span, column: Span, scale: int) -> int:
    """Writes the kept part of a tile; returns its difference from the tiles above and to the left.

    The difference, in levels, is taken over the pixels along the seam, which both tiles computed.
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
