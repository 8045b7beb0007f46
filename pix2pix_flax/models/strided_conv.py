"""The strided convolution of pix2pix, in the form that is fast in a training."""

from typing import Any

import jax
import jax.numpy as jnp

from pix2pix_flax.models import taps


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
    if not taps.are_small(cotangent):
        return jax.vjp(_convolved, x, kernel)[1](cotangent)
    by_kernel = jnp.einsum("tbhwi,bhwo->tio", jnp.stack(taps.seen(x)), cotangent)
    by_x = jnp.einsum("bhwo,tio->tbhwi", cotangent, taps.of(kernel))
    return taps.spread(by_x, *x.shape[1:3]), by_kernel.reshape(kernel.shape)


strided_conv.defvjp(_forward, _backward)
