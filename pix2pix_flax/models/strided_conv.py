"""The strided convolution of pix2pix, in the form that is fast in a training on the platform."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from pix2pix_flax.models import taps

# With fewer pixels in the smaller maps, XLA's CPU backend takes longer for the gradient of the maps
# than for products of matrices (benchmarks/conv_gradients.py).
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
    if taps.are_small(jax.eval_shape(_convolved, x, kernel)):
        y = jnp.einsum("tbhwi,tio->bhwo", jnp.stack(taps.seen(x)), taps.of(kernel))
    else:
        y = _convolved(x, kernel)
    return y, (x, kernel)


def _backward(residuals, cotangent):
    """Returns the gradients with respect to `x` and `kernel`."""
    x, kernel = residuals
    if taps.are_small(cotangent):
        by_kernel = jnp.einsum("tbhwi,bhwo->tio", jnp.stack(taps.seen(x)), cotangent)
        return by_taps(x, kernel, cotangent), by_kernel.reshape(kernel.shape)
    (by_kernel,) = jax.linear_transpose(partial(_convolved, x), kernel)(cotangent)
    on_cpu = by_taps if cotangent.shape[1] * cotangent.shape[2] < LARGE else by_transpose
    forms = {"cpu": on_cpu, "default": by_transpose}
    return jax.lax.platform_dependent(x, kernel, cotangent, **forms), by_kernel


def by_transpose(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> jax.Array:
    """Returns the gradient of `strided_conv` with respect to `x`, as autodiff computes it."""
    return jax.linear_transpose(lambda x: _convolved(x, kernel), x)(cotangent)[0]


def by_taps(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> jax.Array:
    """Returns the gradient of `strided_conv` with respect to `x`, by products.

    Args:
      x: [B, H, W, I].
      kernel: [4, 4, I, O].
      cotangent: [B, H // 2, W // 2, O].
    """
    pixels = jnp.einsum("bhwo,tio->tbhwi", cotangent, taps.of(kernel))
    return taps.spread(pixels, *x.shape[1:3])


strided_conv.defvjp(_forward, _backward)
