"""The transposed convolution of pix2pix, with a gradient that is fast on CPUs too."""

from functools import partial

import jax
import jax.numpy as jnp

_SIZE = 4
_CHANNELS_LAST = ("NHWC", "HWIO", "NHWC")
# XLA's CPU backend is slow for dilated inputs of fewer rows than this.
_SMALLEST = 4
# From here on convolutions are about as fast or faster (see benchmarks/conv_transpose.py), and the
# patches, which grow with the area, would take much memory.
_LARGE = 32 * 32


@jax.custom_vjp
def conv_transpose(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the 4x4 transposed convolution of `x` with stride 2, which doubles its size.

    Autodiff would take the kernel's gradient from a convolution with a dilated input, for which
    XLA's CPU backend needs about a second a layer. It is also that of the adjoint, a strided
    convolution, with input and cotangent swapped; see `_backward`.

    Args:
      x: [B, H, W, I].
      kernel: [4, 4, I, O].

    Returns:
      [B, 2H, 2W, O].
    """
    height, width = x.shape[1:3]
    # Not `max`: programs for export have sizes that are not known yet.
    missing = [(0, jax.core.max_dim(_SMALLEST - size, 0)) for size in (height, width)]
    x = jnp.pad(x, [(0, 0), *missing, (0, 0)])  # zeros add nothing to what is kept below
    doubled = jax.lax.conv_transpose(x, kernel, (2, 2), "SAME", dimension_numbers=_CHANNELS_LAST)
    return doubled[:, : 2 * height, : 2 * width]


def _forward(x, kernel):
    return conv_transpose(x, kernel), (x, kernel)


def _backward(residuals, cotangent):
    """Returns the gradients by `x` and by `kernel`.

    Each pixel of `x` was spread over a 4x4 patch of the output, so both gradients contract the
    patches of the cotangent: with the kernel, and with `x`. Small maps (and large kernels) take
    that as matrix products, large maps as the same sums by convolution.
    """
    x, kernel = residuals
    by = by_convolution if x.shape[1] * x.shape[2] >= _LARGE else by_patches
    return by(x, kernel, cotangent)


def by_patches(
    x: jax.Array, kernel: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Returns the gradients by `x` and `kernel` as products with the cotangent's patches.

    Args:
      x: [B, H, W, I].
      kernel: [4, 4, I, O].
      cotangent: [B, 2H, 2W, O].
    """
    height, width = x.shape[1:3]
    padded = jnp.pad(cotangent, ((0, 0), (1, 1), (1, 1), (0, 0)))
    offsets = range(_SIZE - 1, -1, -1)  # the first tap of a transposed kernel reaches furthest
    patches = jnp.stack(
        [
            padded[:, a : a + 2 * height : 2, b : b + 2 * width : 2]
            for a in offsets
            for b in offsets
        ],
        axis=3,
    )
    taps = kernel.reshape(_SIZE**2, *kernel.shape[2:])
    by_x = jnp.einsum("bhwto,tio->bhwi", patches, taps)
    by_kernel = jnp.einsum("bhwto,bhwi->tio", patches, x)
    return by_x, by_kernel.reshape(kernel.shape)


def by_convolution(
    x: jax.Array, kernel: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Returns the same gradients as `by_patches`, by the adjoint: a strided convolution."""
    adjoint = partial(
        jax.lax.conv_general_dilated,
        window_strides=(2, 2),
        padding=((1, 1), (1, 1)),
        dimension_numbers=("NHWC", "HWOI", "NHWC"),
    )
    turned = jnp.flip(kernel, (0, 1))
    (by_turned,) = jax.linear_transpose(partial(adjoint, cotangent), turned)(x)
    return adjoint(cotangent, turned), jnp.flip(by_turned, (0, 1))


conv_transpose.defvjp(_forward, _backward)
