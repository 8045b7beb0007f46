"""The convolution, with the gradient of its kernel in the form that is fast on the platform."""

from functools import partial

import jax
import jax.numpy as jnp

# For narrower kernels, products of matrices are slower than XLA's convolution on CPUs.
_WIDE = 64 * 64


Padding = str | tuple[tuple[int, int], ...]
Strides = tuple[int, int]


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def conv(x: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding) -> jax.Array:
    """Returns the convolution of `x`, as `jax.lax.conv_general_dilated` does.

    The gradient of the kernel is a convolution whose kernel is as large as the maps. XLA's CPU
    backend takes up to three times as long for it as for products of matrices, one for each
    example (benchmarks/conv_gradients.py).

    Args:
      x: [B, H, W, I].
      kernel: [h, w, I, O].
      strides: of rows and columns.
      padding: `SAME`, `VALID`, or the zeros before and after the rows, and the columns.

    Returns:
      [B, H', W', O].
    """
    return convolved(x, kernel, strides, padding)


def convolved(
    x: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding, groups: int = 1
) -> jax.Array:
    """Returns XLA's own convolution in groups of channels; see `conv` for the other arguments."""
    settings = {"dimension_numbers": ("NHWC", "HWIO", "NHWC"), "feature_group_count": groups}
    return jax.lax.conv_general_dilated(x, kernel, strides, padding, **settings)


def _forward(x, kernel, strides, padding):
    return conv(x, kernel, strides, padding), (x, kernel)


def _backward(strides, padding, residuals, cotangent):
    x, kernel = residuals
    settings = {"strides": strides, "padding": padding}
    (by_x,) = jax.vjp(lambda x: convolved(x, kernel, **settings), x)[1](cotangent)
    forms = {"cpu": partial(by_examples, **settings), "default": partial(by_maps, **settings)}
    if kernel.shape[2] * kernel.shape[3] < _WIDE or not is_undivided():
        del forms["cpu"]
    return by_x, jax.lax.platform_dependent(x, kernel, cotangent, **forms)


def is_undivided() -> bool:
    """Returns whether a device has whole batches; otherwise a loop over examples gathers them."""
    return jax.device_count() == 1


def by_maps(
    x: jax.Array, kernel: jax.Array, cotangent: jax.Array, strides: Strides, padding: Padding
) -> jax.Array:
    """Returns the gradient of the kernel as one convolution.

    Args:
      x: [B, H, W, I].
      kernel: [h, w, I, O], of which only the shape matters.
      cotangent: as the result of `conv`.
      strides: as of `conv`.
      padding: as of `conv`.
    """
    (found,) = jax.vjp(lambda kernel: convolved(x, kernel, strides, padding), kernel)[1](cotangent)
    return found


def by_examples(
    x: jax.Array, kernel: jax.Array, cotangent: jax.Array, strides: Strides, padding: Padding
) -> jax.Array:
    """Returns the same gradient as `by_maps`: the sum of a product of matrices for each example."""
    rows, columns, inputs, outputs = kernel.shape
    if isinstance(padding, str):
        padding = jax.lax.padtype_to_pads(x.shape[1:3], (rows, columns), strides, padding)
    # The last pixel that the first tap sees, plus one.
    height, width = (
        stride * (size - 1) + 1 for stride, size in zip(strides, cotangent.shape[1:3], strict=True)
    )

    def add(total, example):
        maps, by_output = example
        maps = jnp.pad(maps, (*padding, (0, 0)))
        seen = [
            maps[a : a + height : strides[0], b : b + width : strides[1]]
            for a in range(rows)
            for b in range(columns)
        ]
        return total + jnp.einsum("hwi,hwo->io", jnp.concatenate(seen, -1), by_output), None

    start = jnp.zeros((rows * columns * inputs, outputs), kernel.dtype)
    total, _ = jax.lax.scan(add, start, (x, cotangent))
    return total.reshape(kernel.shape)


conv.defvjp(_forward, _backward)
