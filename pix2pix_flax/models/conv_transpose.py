"""The transposed convolution of pix2pix, with a gradient that is fast on CPUs as well."""

from functools import partial

import jax
import jax.numpy as jnp

_SIZE = 4
_CHANNELS_LAST = ("NHWC", "HWIO", "NHWC")
# XLA's CPU backend is slow for dilated inputs with fewer rows or columns than this.
_SMALLEST = 4
# From this number of pixels on, `by_convolution` is about as fast as `by_patches` or faster (see
# benchmarks/conv_transpose.py). The memory of the patches grows with the area.
_LARGE = 32 * 32


@jax.custom_vjp
def conv_transpose(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the 4x4 transposed convolution of `x` with stride 2, which doubles its size.

    Autodiff would compute the kernel's gradient by a convolution with a dilated input, for which
    XLA's CPU backend needs about a second per layer. The same gradient is the kernel's gradient in
    the adjoint, a strided convolution, with input and cotangent swapped; see `_backward`.

    Args:
      x: [B, H, W, I].
      kernel: [4, 4, I, O].

    Returns:
      [B, 2H, 2W, O].
    """
    height, width = x.shape[1:3]
    # Not `max`: in programs for `jax.export` the sizes are symbolic.
    missing = [(0, jax.core.max_dim(_SMALLEST - size, 0)) for size in (height, width)]
    x = jnp.pad(x, [(0, 0), *missing, (0, 0)])  # does not change the part that is kept below
    doubled = jax.lax.conv_transpose(x, kernel, (2, 2), "SAME", dimension_numbers=_CHANNELS_LAST)
    return doubled[:, : 2 * height, : 2 * width]


def _forward(x, kernel):
    return conv_transpose(x, kernel), (x, kernel)


def _backward(residuals, cotangent):
    """Returns the gradients with respect to `x` and `kernel`.

    Each pixel of `x` was spread over a 4x4 patch of the output. So both gradients contract the
    patches of the cotangent, one with the kernel and the other with `x`: as matrix products for
    small maps (which have large kernels), and by convolution for large maps.
    """
    x, kernel = residuals
    by = by_convolution if x.shape[1] * x.shape[2] >= _LARGE else by_patches
    return by(x, kernel, cotangent)


def by_patches(
    x: jax.Array, kernel: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Returns both gradients of `conv_transpose` as products with patches of the cotangent.

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
