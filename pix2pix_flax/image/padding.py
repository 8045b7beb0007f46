"""Reflect padding to the sizes that an encoder can halve."""

import numpy as np


def reflect_indices(length: int, padded: int) -> np.ndarray:
    """Returns which source row each row of a padded axis shows, int32 [padded].

    The axis grows at its end, so that a pixel keeps its coordinates (and its place in the
    encoder's grid). Reflection repeats where the axis is shorter than the padding, and an axis of
    one pixel is repeated.

    Args:
      length: size of the axis, at least 1.
      padded: size after padding, at least `length`.
    """
    if length == 1:
        return np.zeros(padded, np.int32)
    period = 2 * (length - 1)
    position = np.arange(padded, dtype=np.int32) % period
    return np.minimum(position, period - position)


def pad_to_multiple(images, multiple: int):
    """Returns `images` [B, H, W, C] reflected at the bottom and right to multiples of `multiple`.

    Works on NumPy and on JAX arrays of any dtype, and costs nothing where the size already fits.
    Cut the result back with `[:, :height, :width]`.
    """
    height, width = images.shape[1:3]
    rows, columns = (-(-size // multiple) * multiple for size in (height, width))
    if rows != height:
        images = images[:, reflect_indices(height, rows)]
    if columns != width:
        images = images[:, :, reflect_indices(width, columns)]
    return images
