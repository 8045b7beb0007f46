"""The strided convolution of pix2pix, in the form that is fast in a training."""

import jax
import jax.numpy as jnp

from pix2pix_flax.models import taps
from pix2pix_flax.models.conv import conv

# Products are faster on CPUs for maps of so few pixels, and for so few pixels of all maps of a
# batch. Convolutions of the first take four times as long and more (benchmarks/conv_gradients.py).
_TINY, _FEW = 2 * 2, 256


@jax.custom_vjp
def strided_conv(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the 4x4 convolution of `x` with stride 2 and one pixel of zero padding.

    Args:
      x: [B, H, W, I].
      kernel: [4, 4, I, O].

    Returns:
      [B, H // 2, W // 2, O].
    """
    return convolved(x, kernel)


def convolved(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns `strided_conv(x, kernel)` as one convolution."""
    return conv(x, kernel, (2, 2), ((1, 1), (1, 1)))


def product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns `strided_conv(x, kernel)` as one product with all taps."""
    return jnp.einsum("tbhwi,tio->bhwo", jnp.stack(taps.seen(x)), taps.of(kernel))


def _forward(x, kernel):
    smaller = jax.eval_shape(convolved, x, kernel)
    are_few = taps.are_few(smaller, max(_FEW, _TINY * len(x)))
    return jax.vjp(product if are_few else convolved, x, kernel)


def _backward(pull_back, cotangent):
    return pull_back(cotangent)


strided_conv.defvjp(_forward, _backward)
