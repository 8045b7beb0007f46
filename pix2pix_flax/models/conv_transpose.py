"""The transposed convolution of pix2pix, in the form that is fast on the platform."""

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

Gradients = tuple[jax.Array, jax.Array]


@jax.custom_vjp
def conv_transpose(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the 4x4 transposed convolution of `x` with stride 2, which doubles its size.

    Autodiff would compute the kernel's gradient by a convolution with a dilated input, for which
    XLA's CPU backend needs about a second per layer. The same gradient is the kernel's gradient in
    the adjoint, a strided convolution, with input and cotangent swapped; see `_backward`.
    GPUs compute the adjoint's gradient in the forward pass of a training as well.

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
    doubled = jax.lax.platform_dependent(x, kernel, cpu=conv_transpose, default=by_adjoint)
    return doubled, (x, kernel)


def _backward(residuals, cotangent):
    """Returns the gradients with respect to `x` and `kernel`.

    Each pixel of `x` was spread over a 4x4 patch of the output. So both gradients contract the
    patches of the cotangent, one with the kernel and the other with `x`: on CPUs as matrix products
    for small maps (which have large kernels), and by convolution for large maps.
    """
    x, kernel = residuals
    on_cpu = by_convolution if x.shape[1] * x.shape[2] >= _LARGE else by_patches
    return jax.lax.platform_dependent(x, kernel, cotangent, cpu=on_cpu, default=by_turned_maps)


def by_adjoint(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns `conv_transpose(x, kernel)`, computed as the gradient of a strided convolution.

    cuDNN has a function for this gradient. It wants the kernel turned by 180 degrees. Turning the
    maps instead needs no copy of the kernel, and XLA fuses it with the work before and after.
    """
    batch, height, width, _ = x.shape
    y = jax.ShapeDtypeStruct((batch, 2 * height, 2 * width, kernel.shape[-1]), x.dtype)
    (turned,) = jax.linear_transpose(lambda y: _adjoint(y, kernel), y)(_turn_maps(x))
    return _turn_maps(turned)


def by_patches(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> Gradients:
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


def by_convolution(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> Gradients:
    """Returns the same gradients as `by_patches`, by the adjoint: a strided convolution."""
    by_x, by_turned = _by_adjoint(x, _turn_kernel(kernel), cotangent)
    return by_x, _turn_kernel(by_turned)


def by_turned_maps(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> Gradients:
    """Returns the same gradients as `by_convolution`; it turns the maps instead of the kernel."""
    by_turned, by_kernel = _by_adjoint(_turn_maps(x), kernel, _turn_maps(cotangent))
    return _turn_maps(by_turned), by_kernel


def _turn_maps(maps: jax.Array) -> jax.Array:
    """Turns maps [B, H, W, C] by 180 degrees."""
    return jnp.flip(maps, (1, 2))


def _turn_kernel(kernel: jax.Array) -> jax.Array:
    return jnp.flip(kernel, (0, 1))


def _adjoint(y: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the strided convolution [B, H, W, I] of `y`, [B, 2H, 2W, O]."""
    numbers, padding = ("NHWC", "HWOI", "NHWC"), ((1, 1), (1, 1))
    return jax.lax.conv_general_dilated(y, kernel, (2, 2), padding, dimension_numbers=numbers)


def _by_adjoint(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> Gradients:
    """Returns both gradients of the adjoint's gradient."""
    (by_kernel,) = jax.linear_transpose(partial(_adjoint, cotangent), kernel)(x)
    return _adjoint(cotangent, kernel), by_kernel


conv_transpose.defvjp(_forward, _backward)
