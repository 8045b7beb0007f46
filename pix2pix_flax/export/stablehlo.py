"""Writes a generator as a StableHLO program with its weights, for `jax.export` alone.

JAX promises to read such a file for some months only, so it is for deployment; what is kept is the
checkpoint, or its safetensors file.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.inference.predictor import cut_back
from pix2pix_flax.typing import PyTree

PLATFORMS = ("cpu", "cuda")


def to_stablehlo(
    forward: Callable[[PyTree, jax.Array], jax.Array], variables: PyTree, stride: int
) -> bytes:
    """Returns a serialized program from uint8 RGB [b, h, w, 3] to uint8, for all b, h, w from 1.

    Args:
      forward: what a `Predictor` calls so.
      variables: its weights; they become constants of the program.
      stride: the program pads to multiples of it, and cuts back.
    """

    def translate(images: jax.Array) -> jax.Array:
        padded = _pad(_pad(images, 1, stride), 2, stride)
        return cut_back(denormalize(forward(variables, padded)), padded.shape, images.shape)

    images = jax.ShapeDtypeStruct(export.symbolic_shape("b, h, w, 3"), np.uint8)
    program = export.export(jax.jit(translate), platforms=PLATFORMS)(images)
    return bytes(program.serialize())


def _pad(images: jax.Array, axis: int, multiple: int) -> jax.Array:
    """Reflects one axis at its end, as `models.padding`, but where its size is not known yet."""
    length = images.shape[axis]
    period = jnp.maximum(2 * (length - 1), 1)  # one pixel is repeated
    position = jnp.arange(-(-length // multiple) * multiple) % period
    return jnp.take(images, jnp.minimum(position, period - position), axis=axis)
