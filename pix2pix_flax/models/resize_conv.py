"""Nearest-neighbour doubling and a 3x3 convolution, in the form that is fast in a training."""

import jax
import jax.numpy as jnp

from pix2pix_flax.models.conv_transpose import conv_transpose


@jax.custom_vjp
def resize_conv(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the 3x3 convolution of `x`, doubled by its nearest neighbours.

    In a training it is a 4x4 transposed convolution with sums of the kernel's taps, which needs
    less than half of the operations and no doubled maps.

    Args:
      x: [B, H, W, I].
      kernel: [3, 3, I, O].

    Returns:
      [B, 2H, 2W, O].
    """
    x = x.repeat(2, axis=1).repeat(2, axis=2)
    numbers = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=numbers)


def by_sums(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns `resize_conv(x, kernel)` without doubling `x`, as a training computes it."""
    return conv_transpose(x, _summed(kernel))


def _summed(kernel: jax.Array) -> jax.Array:
    """Returns the kernel [4, 4, I, O] that sees each pixel before it is doubled, not twice after.

    Of the two copies of a pixel in a row, tap `t` of the result sees the first by tap `t - 1` and
    the second by tap `t`; the same holds for columns.
    """
    for axis in (0, 1):
        before, after = ([(0, 0)] * kernel.ndim for _ in range(2))
        before[axis], after[axis] = (1, 0), (0, 1)
        kernel = jnp.pad(kernel, before) + jnp.pad(kernel, after)
    return kernel


def _forward(x, kernel):
    return jax.vjp(by_sums, x, kernel)


def _backward(pull_back, cotangent):
    return pull_back(cotangent)


resize_conv.defvjp(_forward, _backward)
