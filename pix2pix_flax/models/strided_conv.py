"""The strided convolution of pix2pix, with the gradient that is fast on the platform."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

_SIZE = 4
# With fewer pixels in the output, XLA's CPU backend takes longer for the gradient of the maps than
# for sixteen products of matrices, and ten times as long below 4x4 (benchmarks/conv_gradients.py).
LARGE = 32 * 32


@jax.custom_vjp
def strided_conv(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the 4x4 convolution of `x` with stride 2 and one pixel of zero padding.

    Args:
      x: [B, H, W, I].
      kernel: [4, 4, I, O].

    Returns:
      [B, H // 2, W // 2, O].
    """
    return _convolved(x, kernel)


def instead_of_convolution(x: jax.Array, kernel: jax.Array, *_: Any, **__: Any) -> jax.Array:
    """Returns `strided_conv(x, kernel)`, for a `flax.linen.Conv` that gives further arguments."""
    return strided_conv(x, kernel)


def _convolved(x: jax.Array, kernel: jax.Array) -> jax.Array:
    numbers, padding = ("NHWC", "HWIO", "NHWC"), ((1, 1), (1, 1))
    return jax.lax.conv_general_dilated(x, kernel, (2, 2), padding, dimension_numbers=numbers)


def _forward(x, kernel):
    return strided_conv(x, kernel), (x, kernel)


def _backward(residuals, cotangent):
    """Returns the gradients with respect to `x` and `kernel`."""
    x, kernel = residuals
    (by_kernel,) = jax.linear_transpose(partial(_convolved, x), kernel)(cotangent)
    if cotangent.shape[1] * cotangent.shape[2] >= LARGE:
        return by_transpose(x, kernel, cotangent), by_kernel
    forms = {"cpu": by_taps, "default": by_transpose}
    return jax.lax.platform_dependent(x, kernel, cotangent, **forms), by_kernel


def by_transpose(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> jax.Array:
    """Returns the gradient of `strided_conv` with respect to `x`, as autodiff computes it."""
    return jax.linear_transpose(lambda x: _convolved(x, kernel), x)(cotangent)[0]


def by_taps(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> jax.Array:
    """Returns the gradient of `strided_conv` with respect to `x`, a product for each tap.

    Args:
      x: [B, H, W, I].
      kernel: [4, 4, I, O].
      cotangent: [B, H // 2, W // 2, O].
    """
    height, width = x.shape[1:3]
    zero, whole = jnp.zeros((), x.dtype), (0, 0, 0)
    padded = sum(
        jax.lax.pad(
            jnp.einsum("bhwo,io->bhwi", cotangent, kernel[a, b]),
            zero,
            (whole, (a, _SIZE - 1 - a, 1), (b, _SIZE - 1 - b, 1), whole),
        )
        for a in range(_SIZE)
        for b in range(_SIZE)
    )
    return padded[:, 1 : 1 + height, 1 : 1 + width]


strided_conv.defvjp(_forward, _backward)
