"""Images of any size within arrays of a fixed size, resized on the accelerator.

A compiled step has fixed shapes, but each example is resized by a factor of its own. So an image
lies at the top left of a canvas, and the rest of the canvas continues it by reflection.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from pix2pix_flax.image.resampling import cubic

METHODS = ("area", "bilinear", "bicubic")


class Canvas(NamedTuple):
    """An image at the top left of an array.

    Attributes:
      levels: float32 [H, W, C] in 0..255.
      size: height and width of the image, int32 [2], at most H and W.
    """

    levels: jax.Array
    size: jax.Array


def full_canvas(image: jax.Array) -> Canvas:
    """Returns the canvas of an image uint8 [H, W, C] that fills it."""
    return Canvas(image.astype(jnp.float32), jnp.array(image.shape[:2], jnp.int32))


def resize(
    canvas: Canvas, size: jax.Array, room: tuple[int, int], method: int | jax.Array
) -> Canvas:
    """Returns the image in another size, as Pillow's `Image.resize` before it rounds.

    Args:
      canvas: the image.
      size: the new height and width, int32 [2], from 1 to `room`.
      room: height and width of the new canvas.
      method: index in `METHODS`. Shrinking is antialiased by each of them; enlarging by area
        repeats pixels.
    """
    rows, columns = (
        _matrix(canvas.levels.shape[axis], canvas.size[axis], room[axis], size[axis], method)
        for axis in (0, 1)
    )
    # The default precision of GPUs is too low for 8 bits per channel.
    highest = jax.lax.Precision.HIGHEST
    levels = jnp.einsum("ih,hwc->iwc", rows, canvas.levels, precision=highest)
    levels = jnp.einsum("jw,iwc->ijc", columns, levels, precision=highest)
    return _continued(Canvas(jnp.clip(levels, 0.0, 255.0), size))


def _continued(canvas: Canvas) -> Canvas:
    """Returns the canvas with the image reflected into the rest of it."""
    levels = canvas.levels
    for axis in (0, 1):
        last = canvas.size[axis] - 1
        # `padding.reflect` needs a size that is known when the step is compiled.
        places = jnp.arange(levels.shape[axis]) % jnp.maximum(2 * last, 1)
        levels = jnp.take(levels, last - jnp.abs(places - last), axis)
    return Canvas(levels, canvas.size)


def _matrix(
    room: int, length: jax.Array, new_room: int, resized: jax.Array, method: int | jax.Array
) -> jax.Array:
    """Returns the matrix that resizes an axis, float32 [new_room, room]; rows sum up to 1."""
    step = length / resized  # pixels of the old axis per pixel of the new one
    stretch = jnp.maximum(step, 1.0)
    places = jnp.arange(room)
    centres = (jnp.arange(new_room) + 0.5) * step
    offsets = (places + 0.5 - centres[:, jnp.newaxis]) / stretch
    weights = jax.lax.switch(method, (_box, _triangle, partial(cubic, numpy=jnp)), offsets)
    weights = jnp.where(places < length, weights, 0.0)
    # Rows beyond the new size may have no weight at all.
    return weights / jnp.maximum(jnp.sum(weights, axis=1, keepdims=True), 1e-6)


def _box(x: jax.Array) -> jax.Array:
    return jnp.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)


def _triangle(x: jax.Array) -> jax.Array:
    return jnp.maximum(1.0 - jnp.abs(x), 0.0)
