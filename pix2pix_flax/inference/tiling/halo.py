"""How far the edge of a tile changes a network's output, in input pixels.

At an edge inside the image, the network pads a tile where the whole image has more pixels. Output
nearer to this edge than the *halo* is thrown away. Two halos are useful: beyond the exact halo the
output does not depend on pixels outside the tile, and beyond the measured halo the difference is
too small to see.
"""

from collections.abc import Callable

import jax
import numpy as np

from pix2pix_flax.image.padding import pad_to_multiple
from pix2pix_flax.typing import PyTree

# A network with a larger halo than both, in strides and in pixels, counts as one without an exact
# halo. A U-Net has two strides, SRResNet (stride 1) 40 pixels and RRDBNet 350 pixels.
_STRIDES, _PIXELS = 4, 384


def exact_halo(
    forward: Callable[[PyTree, jax.Array], jax.Array], variables: PyTree, stride: int
) -> int | None:
    """Returns the halo beyond which a tile's output equals the output for the whole image.

    The network runs on a strip, one half of which is NaN. NaN survives any weight and any
    activation, so an output that is a number does not depend on that half. The halo is valid for
    tiles that begin and end at multiples of `stride`.

    Args:
      forward: (variables, images [B, H, W, 3]) -> floats [B, sH, sW, C].
      variables: the network's variables; their values do not matter.
      stride: heights and widths must be multiples of it.

    Returns:
      The halo in pixels, or None if no halo is exact, because the network takes statistics of the
      whole image.
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
    """Returns how far the NaNs, bool [length], reach into the second half of an axis."""
    (places,) = np.nonzero(lost[len(lost) // 2 :])
    return int(places[-1]) + 1 if places.size else 0


def measured_halo(
    run: Callable[[np.ndarray], np.ndarray], picture: np.ndarray, tile: int, stride: int
) -> int | None:
    """Returns the smallest halo at which the tiles of an image agree to 1/255.

    Tiles that overlap by half are compared: the edge of one tile lies near the middle of another.
    The middle is as good as the whole image if the exact halo is at most a quarter of a tile.

    Args:
      run: uint8 [4, tile, tile, 3] -> uint8 [4, s * tile, s * tile, C].
      picture: image uint8 [H, W, 3], of which three parts are compared; reflected if it is too
        small.
      tile: side of a tile, a multiple of `stride` and at least two strides.
      stride: tiles begin at multiples of it.

    Returns:
      The halo, less than a quarter of a tile, or None if that is not enough.
    """
    shift = tile // 2 // stride * stride
    probes = _probes(picture, tile + shift)
    curve = np.max([_disagreement(run, probe, tile, shift) for probe in probes], axis=0)
    (seen,) = np.nonzero(curve > 1)
    halo = int(seen[-1]) + 1 if seen.size else 0
    return halo if halo < len(curve) else None


def _probes(picture: np.ndarray, side: int) -> list[np.ndarray]:
    """Returns crops [side, side, 3] of an image: two opposite corners and the middle."""
    room = [max(0, size - side) for size in picture.shape[:2]]
    places = {tuple(part * free // 2 for free in room) for part in range(3)}
    pieces = (picture[y : y + side, x : x + side] for y, x in sorted(places))
    return [pad_to_multiple(piece[np.newaxis], side)[0] for piece in pieces]


def _disagreement(
    run: Callable[[np.ndarray], np.ndarray], probe: np.ndarray, tile: int, shift: int
) -> np.ndarray:
    """Returns the largest difference of tiles, in levels, per distance to an edge in pixels."""
    origins = ((0, 0), (shift, shift), (0, shift), (shift, 0))
    tiles = np.stack([probe[y : y + tile, x : x + tile] for y, x in origins])
    a, b, c, d = run(tiles).astype(np.int16)
    scale = len(a) // tile
    near, far = slice(shift * scale, None), slice(None, (tile - shift) * scale)
    pairs = ((a[near, near], b[far, far]), (c[near, far], d[far, near]))
    levels = np.max([np.abs(one - other).max(axis=-1) for one, other in pairs], axis=0)
    # Each side of the overlap is an edge of one of the two tiles.
    side = np.arange(tile - shift)
    to_edge = np.minimum(side, side[::-1])
    distance = np.minimum.outer(to_edge, to_edge).repeat(scale, 0).repeat(scale, 1)
    return np.array([levels[distance == pixels].max() for pixels in range(int(distance.max()) + 1)])
