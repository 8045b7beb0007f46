"""JPEG as a function of pixels: compression and decompression, as libjpeg-turbo rounds them.

All sums are integers, so the result equals the picture that Pillow reads from a file that it wrote
with the same quality. There is no gradient.
"""

import jax
import jax.numpy as jnp
import numpy as np

_BLOCK = 8
_CELL = 16  # pixels: a block of chroma covers twice as many pixels as one of luma
_BITS, _EXTRA = 13, 2  # fractional bits of the constants, and bits kept between both axes
_HALF = 1 << 15  # one half, in the 16 fractional bits of the colour conversion

# ITU-T T.81, tables K.1 and K.2.
_LUMA_TABLE = """
16 11 10 16 24 40 51 61  12 12 14 19 26 58 60 55  14 13 16 24 40 57 69 56  14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77  24 35 55 64 81 104 113 92  49 64 78 87 103 121 120 101
72 92 95 98 112 100 103 99"""
_CHROMA_TABLE = """
17 18 24 47 99 99 99 99  18 21 26 66 99 99 99 99  24 26 56 99 99 99 99 99  47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99
99 99 99 99 99 99 99 99"""


def jpeg(levels: jax.Array, quality: jax.Array) -> jax.Array:
    """Returns an image after JPEG with chroma halved in both directions (4:2:0).

    Args:
      levels: RGB float32 [H, W, 3] in 0..255; it is rounded.
      quality: 1..100, int32, as in libjpeg and Pillow.

    Returns:
      RGB float32 [H, W, 3], whole numbers in 0..255.
    """
    height, width = levels.shape[:2]
    # libjpeg pads columns before it halves chroma, and rows afterwards.
    pads = [(0, height % 2), (0, -width % _CELL), (0, 0)]
    pixels = jnp.pad(jnp.round(levels).astype(jnp.int32), pads, mode="edge")
    luma, *chroma = _to_ycc(pixels)
    luma = _code(luma, _table(_LUMA_TABLE, quality))[:height, :width]
    table = _table(_CHROMA_TABLE, quality)
    small = -(-height // 2), -(-width // 2)
    chroma = [
        _doubled(_code(_halved(plane), table)[: small[0], : small[1]])[:height, :width]
        for plane in chroma
    ]
    return _to_rgb(luma, *chroma).astype(jnp.float32)


def _table(base: str, quality: jax.Array) -> jax.Array:
    """Returns the steps of a quality, int32 [8, 8]."""
    scale = jnp.where(quality < 50, 5000 // jnp.maximum(quality, 1), 200 - 2 * quality)
    steps = (np.array(base.split(), np.int32).reshape(_BLOCK, _BLOCK) * scale + 50) // 100
    return jnp.clip(steps, 1, 255)


def _code(plane: jax.Array, table: jax.Array) -> jax.Array:
    """Returns a plane after rounding of its DCT coefficients to steps of `table`.

    Args:
      plane: int32 [H, W] in 0..255, W a multiple of 8.
      table: the steps, int32 [8, 8].

    Returns:
      int32 in 0..255, H padded to a multiple of 8.
    """
    plane = jnp.pad(plane, [(0, -len(plane) % _BLOCK), (0, 0)], mode="edge")
    height, width = plane.shape
    blocks = plane.reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK) - 128
    # Rows first, then columns; the coefficients have the eightfold of their size.
    x = _shift(jnp.einsum("aibj,vj->aibv", blocks, _DCT), _BITS - _EXTRA)
    x = _shift(jnp.einsum("aibv,ui->aubv", x, _DCT), _BITS + _EXTRA)
    steps = table[:, jnp.newaxis]
    levels = (jnp.abs(x) + 4 * steps) // (8 * steps)
    x = jnp.sign(x) * levels * steps
    x = _shift(jnp.einsum("aubv,ui->aibv", x, _DCT), _BITS - _EXTRA)
    x = _shift(jnp.einsum("aibv,vj->aibj", x, _DCT), _BITS + _EXTRA + 3)
    return jnp.clip(x + 128, 0, 255).reshape(height, width)


def _shift(x: jax.Array, bits: int) -> jax.Array:
    """Returns x / 2**bits, rounded."""
    return (x + (1 << (bits - 1))) >> bits


def _dct_matrix() -> np.ndarray:
    """Returns libjpeg's DCT without its roundings, int32 [8, 8], times 2**13 * sqrt(8).

    Its 13-bit constants (Loeffler et al. 1989) are summed here; a matrix of rounded cosines would
    differ in the last bit.
    """

    def fixed(*constants: float) -> int:
        return sum(int(np.sign(c) * np.floor(abs(c) * 2**_BITS + 0.5)) for c in constants)

    one, a, b, c = fixed(1), 0.541196100, 0.765366865, 1.847759065
    even = [
        [one, one, one, one],
        [fixed(a, b), fixed(a), -fixed(a), -fixed(a, b)],
        [one, -one, -one, one],
        [fixed(a), fixed(a, -c), -fixed(a, -c), -fixed(a)],
    ]
    t, p, q, r, s = 1.175875602, -0.899976223, -2.562915447, -1.961570560, -0.390180644
    odd = [
        [fixed(1.501321110, p, s, t), fixed(t), fixed(s, t), fixed(p, t)],
        [fixed(t), fixed(3.072711026, q, r, t), fixed(q, t), fixed(r, t)],
        [fixed(s, t), fixed(q, t), fixed(2.053119869, q, s, t), fixed(t)],
        [fixed(p, t), fixed(r, t), fixed(t), fixed(0.298631336, p, r, t)],
    ]
    rows = np.zeros((_BLOCK, _BLOCK), np.int32)
    rows[::2, :4], rows[1::2, :4] = even, odd
    rows[::2, 4:], rows[1::2, 4:] = np.flip(even, 1), -np.flip(odd, 1)
    return rows


_DCT = _dct_matrix()


def _to_ycc(pixels: jax.Array) -> list[jax.Array]:
    """Returns the planes Y, Cb and Cr, int32 [H, W] in 0..255."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    offset = (128 << 16) + _HALF - 1
    return [
        (19595 * red + 38470 * green + 7471 * blue + _HALF) >> 16,
        (-11058 * red - 21710 * green + 32768 * blue + offset) >> 16,
        (32768 * red - 27439 * green - 5329 * blue + offset) >> 16,
    ]


def _to_rgb(luma: jax.Array, blue: jax.Array, red: jax.Array) -> jax.Array:
    blue, red = blue - 128, red - 128
    planes = [
        luma + ((91881 * red + _HALF) >> 16),
        luma + ((-22554 * blue - 46802 * red + _HALF) >> 16),
        luma + ((116130 * blue + _HALF) >> 16),
    ]
    return jnp.clip(jnp.stack(planes, axis=-1), 0, 255)


def _halved(plane: jax.Array) -> jax.Array:
    """Returns the mean of each 2x2 pixels; halves are rounded down and up in turn."""
    height, width = plane.shape
    sums = plane.reshape(height // 2, 2, width // 2, 2).sum((1, 3))
    return (sums + 1 + np.arange(width // 2) % 2) >> 2


def _doubled(plane: jax.Array) -> jax.Array:
    """Returns a plane of twice the size: each pixel is 3/4 and 1/4 of the nearest two, per axis."""
    rows = _near_and_far(plane, 0)
    rows = rows.reshape(-1, plane.shape[1])
    both = _near_and_far(rows, 1)
    bias = np.array([8, 7], np.int32)
    return ((both + bias) >> 4).reshape(len(rows), -1)


def _near_and_far(plane: jax.Array, axis: int) -> jax.Array:
    """Returns 3 times each value plus its neighbour before and behind, on a new axis behind."""
    ends = [(0, 0), (0, 0)]
    ends[axis] = (1, 1)
    padded, length = jnp.pad(plane, ends, mode="edge"), plane.shape[axis]
    before, behind = (
        jax.lax.slice_in_dim(padded, first, first + length, axis=axis) for first in (0, 2)
    )
    return jnp.stack([3 * plane + before, 3 * plane + behind], axis=axis + 1)
