"""MATLAB's `imresize`, with which papers on super-resolution shrink and enlarge images.

Antialiased cubic interpolation as two matrix products, which run on the accelerator. The cubic
interpolation of JAX differs at the border, and OpenCV's is not antialiased.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_REACH = 2.0  # reach of the cubic kernel, in pixels of the coarser grid


def imresize(images: jax.Array, height: int, width: int) -> jax.Array:
    """Returns [B, height, width, C], resized as by MATLAB's `imresize(image, [height width])`.

    As in MATLAB, uint8 stays uint8 and is rounded after each axis. If the sizes have a ratio of 2,
    4 or 8, sums are exact in float32, and every machine gives the same levels.

    Args:
      images: uint8 or float32 [B, H, W, C].
      height: new height, at least 1; shrinking is antialiased.
      width: new width, at least 1; shrinking is antialiased.
    """
    sizes = {1: height, 2: width}
    # The axis that shrinks most comes first; if both shrink alike, the rows.
    for axis in sorted(sizes, key=lambda axis: sizes[axis] / images.shape[axis]):
        images = _resize_axis(images, axis, sizes[axis])
    return images


def _resize_axis(images: jax.Array, axis: int, resized: int) -> jax.Array:
    matrix = resampling_matrix(images.shape[axis], resized)
    # The default precision of GPUs is too low for 8 bits per channel.
    precision = jax.lax.Precision.HIGHEST
    floats = jnp.asarray(images, jnp.float32)
    floats = jnp.tensordot(matrix, floats, ((1,), (axis,)), precision=precision)
    floats = jnp.moveaxis(floats, 0, axis)
    if images.dtype != jnp.uint8:
        return floats
    return jnp.floor(jnp.clip(floats, 0.0, 255.0) + 0.5).astype(jnp.uint8)


def resampling_matrix(length: int, resized: int) -> np.ndarray:
    """Returns the matrix that resizes an axis, float32 [resized, length]; its rows sum up to 1.

    The unit of the cubic kernel is a pixel of the coarser grid. Beyond the border the axis is
    mirrored with its outermost pixel repeated (older versions of MATLAB repeat only this pixel).
    """
    scale = resized / length
    stretch = max(1.0, 1.0 / scale)
    centres = (np.arange(resized) + 0.5) / scale - 0.5
    taps = np.arange(2 * int(np.ceil(_REACH * stretch)) + 1)
    places = np.floor(centres - _REACH * stretch).astype(int)[:, np.newaxis] + taps
    weights = cubic((centres[:, np.newaxis] - places) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((resized, length))
    np.add.at(matrix, (np.arange(resized)[:, np.newaxis], _mirrored(places, length)), weights)
    return matrix.astype(np.float32)


def cubic(x: Any, numpy: Any = np) -> Any:
    """Returns the kernel of Keys 1981, equation 15 (a = -1/2), by NumPy or `jax.numpy`."""
    x = abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1.0
    far = -0.5 * x**3 + 2.5 * x**2 - 4.0 * x + 2.0
    return numpy.where(x <= 1.0, near, numpy.where(x <= _REACH, far, 0.0))


def _mirrored(places: np.ndarray, length: int) -> np.ndarray:
    """Returns the index of the pixel that is read at each place, inside or outside the axis."""
    # Unlike in `padding.reflect`, the mirror is the outer edge of the outermost pixel.
    places = places % (2 * length)
    return np.minimum(places, 2 * length - 1 - places)
