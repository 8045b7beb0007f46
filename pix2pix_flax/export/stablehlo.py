"""Exports a generator as a StableHLO program with its weights, which needs only `jax.export`.

JAX guarantees to read the file for some months only. So the file is for deployment; keep the
checkpoint or its safetensors file.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.image.padding import reflect
from pix2pix_flax.inference.predictor import cut_back
from pix2pix_flax.typing import PyTree

PLATFORMS = ("cpu", "cuda")


def to_stablehlo(
    forward: Callable[[PyTree, jax.Array], jax.Array], variables: PyTree, stride: int
) -> bytes:
    """Returns a serialized program: uint8 RGB [b, h, w, 3] -> uint8 RGB, for all b, h, w from 1.

    Args:
      forward: see `Predictor.forward`.
      variables: the generator's variables; they become constants of the program.
      stride: the program pads images to multiples of it, and cuts the output back.
    """

    def translate(images: jax.Array) -> jax.Array:
        padded = _pad(_pad(images, 1, stride), 2, stride)
        return cut_back(denormalize(forward(variables, padded)), padded.shape, images.shape)

    images = jax.ShapeDtypeStruct(export.symbolic_shape("b, h, w, 3"), np.uint8)
    program = export.export(jax.jit(translate), platforms=PLATFORMS)(images)
    return bytes(program.serialize())


def _pad(images: jax.Array, axis: int, multiple: int) -> jax.Array:
    """Reflects one axis at its end as `pad_to_multiple` does, but for an axis of symbolic size."""
    length = images.shape[axis]
    position = jnp.arange(-(-length // multiple) * multiple)
    return jnp.take(images, reflect(position, length), axis=axis)
