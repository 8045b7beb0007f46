"""The convolution, with the gradient of its kernel in the form that is fast on the platform."""

from functools import partial

import jax
import jax.numpy as jnp

# For narrower kernels, products of matrices are slower than XLA's convolution on CPUs.
_WIDE = 64 * 64


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def conv(x: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    """Returns the convolution of `x`.

    The gradient of the kernel is a convolution whose kernel is as large as the maps. XLA's CPU
    backend takes up to three times as long for it as for products of matrices, one for each
    example (benchmarks/conv_gradients.py).

    Args:
      x: [B, H, W, I].
      kernel: [h, w, I, O].
      stride: of rows and columns.
      padding: rows and columns of zeros on each side.

    Returns:
      [B, (H + 2 * padding - h) // stride + 1, (W + 2 * padding - w) // stride + 1, O].
    """
    return _convolved(x, kernel, stride, padding)


def _convolved(x, kernel, stride, padding):
    numbers, sides = ("NHWC", "HWIO", "NHWC"), ((padding, padding),) * 2
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), sides, dimension_numbers=numbers
    )


def _forward(x, kernel, stride, padding):
    return conv(x, kernel, stride, padding), (x, kernel)


def _backward(stride, padding, residuals, cotangent):
    x, kernel = residuals
    settings = {"stride": stride, "padding": padding}
    (by_x,) = jax.vjp(lambda x: _convolved(x, kernel, **settings), x)[1](cotangent)
    forms = {"cpu": partial(by_examples, **settings), "default": partial(by_maps, **settings)}
    if kernel.shape[2] * kernel.shape[3] < _WIDE:
        del forms["cpu"]
    return by_x, jax.lax.platform_dependent(x, kernel, cotangent, **forms)


def by_maps(
    x: jax.Array, kernel: jax.Array, cotangent: jax.Array, stride: int, padding: int
) -> jax.Array:
    """Returns the gradient of the kernel as one convolution.

    Args:
      x: [B, H, W, I].
      kernel: [h, w, I, O], of which only the shape matters.
      cotangent: as the result of `conv`.
      stride: of rows and columns.
      padding: rows and columns of zeros on each side.
    """
    (found,) = jax.vjp(lambda kernel: _convolved(x, kernel, stride, padding), kernel)[1](cotangent)
    return found


def by_examples(
    x: jax.Array, kernel: jax.Array, cotangent: jax.Array, stride: int, padding: int
) -> jax.Array:
    """Returns the same gradient as `by_maps`: the sum of a product of matrices for each example."""
    height, width = (stride * (size - 1) + 1 for size in cotangent.shape[1:3])
    offsets = [(a, b) for a in range(kernel.shape[0]) for b in range(kernel.shape[1])]
    sides = (padding, padding)

    def add(total, example):
        maps, by_output = example
        maps = jnp.pad(maps, (sides, sides, (0, 0)))
        seen = [maps[a : a + height : stride, b : b + width : stride] for a, b in offsets]
        return total + jnp.einsum("hwi,hwo->io", jnp.concatenate(seen, -1), by_output), None

    start = jnp.zeros((kernel.shape[0] * kernel.shape[1] * kernel.shape[2], kernel.shape[3]))
    total, _ = jax.lax.scan(add, start.astype(kernel.dtype), (x, cotangent))
    return total.reshape(kernel.shape)


conv.defvjp(_forward, _backward)
