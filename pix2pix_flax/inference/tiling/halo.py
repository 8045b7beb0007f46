"""How far the edge of a tile reaches into a network's output, in input pixels.

At an edge inside the picture a tile sees the network's padding where the whole picture has
neighbours. Output nearer to such an edge than the *halo* is thrown away. Two halos are of use: the
exact one, beyond which nothing depends on what lies outside the tile, and the one beyond which the
difference is no longer seen.
"""

from collections.abc import Callable

import jax
import numpy as np

from pix2pix_flax.image.padding import pad_to_multiple
from pix2pix_flax.typing import PyTree

# Networks that reach further than this many strides, and pixels, are taken to reach everywhere. A
# U-Net reaches two strides, SRResNet (stride 1) 40 pixels and RRDBNet 350.
_STRIDES, _PIXELS = 4, 384


def exact_halo(
    forward: Callable[[PyTree, jax.Array], jax.Array], variables: PyTree, stride: int
) -> int | None:
    """Returns beyond how many pixels a tile's output cannot differ from the whole picture's.

    The network itself is asked: half of a strip is not-a-number, which survives any weight and any
    activation, and what comes out as a number does not depend on that half. That is the halo of
    tiles that begin and end at multiples of `stride`.

    Args:
      forward: (variables, images [B, H, W, 3]) -> floats [B, sH, sW, C].
      variables: its weights; their values do not matter.
      stride: the multiple that sizes have to be.

    Returns:
      The halo, or None where there is none: statistics of the picture reach everywhere.
    """
    length = 2 * -(-max(_STRIDES * stride, _PIXELS) // stride) * stride
    width = -(-min(length, max(stride, 16)) // stride) * stride
    down = np.zeros((2, length, width, 3), np.float32)
    down[0, : length // 2] = down[1, length // 2 :] = np.nan
    run = jax.jit(forward)
    lost = [
        np.isnan(run(variables, down)).any((2, 3)),
        np.isnan(run(variables, down.swapaxes(1, 2))).any((1, 3)),
    ]
    scale = lost[0].shape[1] // length
    reach = max(max(_reach(first), _reach(second[::-1])) for first, second in lost)
    halo = -(-reach // scale)
    return halo if halo < length // 2 else None


def _reach(lost: np.ndarray) -> int:
    """Returns how far what is lost reaches into the second half of an axis."""
    (places,) = np.nonzero(lost[len(lost) // 2 :])
    return int(places[-1]) + 1 if places.size else 0


def measured_halo(
    run: Callable[[np.ndarray], np.ndarray], picture: np.ndarray, tile: int, stride: int
) -> int | None:
    """Returns the smallest halo at which tiles of a picture agree to 1/255.

    Tiles that overlap by half are compared: near the edge of one lies the middle of the other,
    which is as good as the whole picture wherever the exact halo is a quarter of a tile or less.

    Args:
      run: uint8 [4, tile, tile, 3] -> uint8 [4, s * tile, s * tile, C].
      picture: uint8 [H, W, 3], reflected where it is too small; three places are looked at.
      tile: a multiple of `stride`, and at least two of them.
      stride: tiles begin at its multiples.

    Returns:
      Less than a quarter of a tile, or None where that is not enough.
    """
    shift = tile // 2 // stride * stride
    probes = _probes(picture, tile + shift)
    curve = np.max([_disagreement(run, probe, tile, shift) for probe in probes], axis=0)
    (seen,) = np.nonzero(curve > 1)
    halo = int(seen[-1]) + 1 if seen.size else 0
    return halo if halo < len(curve) else None


def _probes(picture: np.ndarray, side: int) -> list[np.ndarray]:
    """Returns pieces [side, side, 3] from the corners and the middle of a picture."""
    room = [max(0, size - side) for size in picture.shape[:2]]
    places = {tuple(part * free // 2 for free in room) for part in range(3)}
    pieces = (picture[y : y + side, x : x + side] for y, x in sorted(places))
    return [pad_to_multiple(piece[np.newaxis], side)[0] for piece in pieces]


def _disagreement(
    run: Callable[[np.ndarray], np.ndarray], probe: np.ndarray, tile: int, shift: int
) -> np.ndarray:
    """Returns by how many of 255 levels tiles differ, for each distance in pixels from an edge."""
    origins = ((0, 0), (shift, shift), (0, shift), (shift, 0))
    tiles = np.stack([probe[y : y + tile, x : x + tile] for y, x in origins])
    a, b, c, d = run(tiles).astype(np.int16)
    scale = len(a) // tile
    near, far = slice(shift * scale, None), slice(None, (tile - shift) * scale)
    pairs = ((a[near, near], b[far, far]), (c[near, far], d[far, near]))
    levels = np.max([np.abs(one - other).max(axis=-1) for one, other in pairs], axis=0)
    # Each side of the overlap is the edge of one of the two tiles.
    side = np.arange(tile - shift)
    to_edge = np.minimum(side, side[::-1])
    distance = np.minimum.outer(to_edge, to_edge).repeat(scale, 0).repeat(scale, 1)
    return np.array([levels[distance == pixels].max() for pixels in range(int(distance.max()) + 1)])
