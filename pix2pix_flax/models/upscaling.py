"""Parts that networks for larger pictures share: pixel shuffle, its initializer, ranges, scales."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError
from pix2pix_flax.models.layers import Dtype


def pixel_shuffle(x: jax.Array, factor: int) -> jax.Array:
    """Returns [B, factor * H, factor * W, C], rearranged from `x` [B, H, W, factor**2 * C].

    Each pixel of `x` becomes factor x factor pixels, row by row. The first C channels of `x` belong
    to the first of these pixels, the next C channels to the second, and so on.
    """
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, factor, factor, channels // factor**2)
    x = x.transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, factor * height, factor * width, channels // factor**2)


def icnr(kernel_init: nn.initializers.Initializer, factor: int) -> nn.initializers.Initializer:
    """Returns an initializer for a convolution before `pixel_shuffle`, without checkerboards.

    The pixels that one pixel becomes start equal, as if it were repeated (Aitken et al. 2017,
    arXiv:1707.02937, section 3.2).

    Args:
      kernel_init: draws the kernel of the convolution before the repetition.
      factor: the factor of `pixel_shuffle`.
    """

    def draw(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32) -> jax.Array:
        kernel = kernel_init(key, (*shape[:-1], shape[-1] // factor**2), dtype)
        return jnp.tile(kernel, factor**2)

    return draw


def to_range(images: jax.Array, unit_range: bool) -> jax.Array:
    """Returns images in [-1, 1] unchanged, or with `unit_range` in [0, 1]."""
    return (images + 1.0) / 2.0 if unit_range else images


def from_range(images: jax.Array, unit_range: bool) -> jax.Array:
    """Inverse of `to_range`."""
    return 2.0 * images - 1.0 if unit_range else images


def doublings(scale: int) -> int:
    """Returns log2 of a scale, the number of doublings in it.

    Raises:
      UserError: if the scale is not a power of two.
    """
    count = scale.bit_length() - 1
    if scale != 2**count:
        raise UserError(f"config.generator.scale must be 1, 2, 4 or 8, not {scale}.")
    return count
