"""Reflect padding: to multiples of a size, which an encoder can halve, and on all borders."""

import jax
import jax.numpy as jnp
import numpy as np


def reflect(position, length):
    """Returns the index of the row that reflect padding reads at each position.

    The outermost row is the mirror and is not repeated. If the axis is shorter than the distance,
    reflection continues at the other end; an axis of one row is repeated.

    Args:
      position: int array, NumPy or JAX, of any sign; the axis lies at 0..length - 1.
      length: size of the axis, at least 1; it may be a symbolic dimension of `jax.export`.

    Returns:
      Indices in 0..length - 1, an array like `position`.
    """
    last = length - 1
    period = jax.core.max_dim(2 * last, 1)
    return last - abs(position % period - last)


def reflect_indices(length: int, padded: int) -> np.ndarray:
    """Returns the source row of each row of a padded axis, int32 [padded].

    The axis grows at its end, so that a pixel keeps its coordinates (and its place in the
    encoder's grid). Reflection continues if the axis is shorter than the padding, and an axis of
    one pixel is repeated.

    Args:
      length: size of the axis, at least 1.
      padded: size after padding, at least `length`.
    """
    return reflect(np.arange(padded, dtype=np.int32), length)


def pad_to_multiple(images, multiple: int):
    """Returns `images` [B, H, W, C] reflected at the bottom and right to multiples of `multiple`.

    Takes NumPy and JAX arrays of any dtype. Images whose size already fits are returned unchanged.
    `[:, :height, :width]` removes the padding again.
    """
    height, width = images.shape[1:3]
    rows, columns = (-(-size // multiple) * multiple for size in (height, width))
    if rows != height:
        images = images[:, reflect_indices(height, rows)]
    if columns != width:
        images = images[:, :, reflect_indices(width, columns)]
    return images


def reflect_border(x: jax.Array, pixels: int) -> jax.Array:
    """Returns `x` [B, H, W, C] reflected on all sides: [B, H + 2 * pixels, W + 2 * pixels, C].

    Unlike `jnp.pad` it takes symbolic sizes (for `jax.export`) and small sizes: reflection
    continues if an axis is shorter than the border, and an axis of one pixel is repeated.
    """
    distance = jnp.arange(1, pixels + 1)
    for axis in (1, 2):
        length = x.shape[axis]
        before = jnp.take(x, reflect(-distance[::-1], length), axis, mode="clip")
        after = jnp.take(x, reflect(length - 1 + distance, length), axis, mode="clip")
        x = jnp.concatenate([before, x, after], axis)
    return x
