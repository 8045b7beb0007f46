"""The transposed convolution of pix2pix, in the form that is fast on the platform."""

from functools import partial

import jax
import jax.numpy as jnp

from pix2pix_flax.models import taps
from pix2pix_flax.models.conv import by_examples, is_undivided

_CHANNELS_LAST = ("NHWC", "HWIO", "NHWC")
# XLA's CPU backend is slow for dilated inputs with fewer rows or columns than this.
_SMALLEST = 4

# With more pixels in the smaller maps of a batch, products with all taps at once take longer than
# other forms on CPUs: they write 16 maps of the larger size (benchmarks/conv_gradients.py).
_FEW = 64

# With fewer pixels in the smaller maps, XLA's CPU backend takes longer for the convolution than for
# sixteen products of matrices (benchmarks/conv_gradients.py).
_LARGE = 32 * 32

# With fewer channels of the output, the gradient of the kernel is a product for each example: one
# for each tap would have too few columns.
_NARROW = 64

Gradients = tuple[jax.Array, jax.Array]


@jax.custom_vjp
def conv_transpose(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the 4x4 transposed convolution of `x` with stride 2, which doubles its size.

    Autodiff would compute the kernel's gradient by a convolution with a dilated input, for which
    XLA's CPU backend needs about a second per layer. CPUs have products of matrices instead. GPUs
    have the gradients of the adjoint, a strided convolution, in the forward pass of a training too.

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
    if taps.are_few(x, _FEW):
        doubled = by_product(x, kernel)
    else:
        doubled = jax.lax.platform_dependent(x, kernel, cpu=conv_transpose, default=by_adjoint)
    return doubled, (x, kernel)


def _backward(residuals, cotangent):
    """Returns the gradients with respect to `x` and `kernel`.

    Each pixel of `x` was spread over a 4x4 patch of the output, so each tap of the kernel saw every
    second row and column of the cotangent. The first tap reached furthest, so the order is turned.
    """
    x, kernel = residuals
    if taps.are_few(x, _FEW):
        return by_all_taps(x, kernel, cotangent)
    forms = {"cpu": by_single_taps, "default": by_turned_maps}
    return jax.lax.platform_dependent(x, kernel, cotangent, **forms)


def _for_each_tap(x: jax.Array) -> jax.Array:
    """Repeats `x`, so that XLA makes one product for each tap, and need not copy the kernel."""
    return jnp.broadcast_to(x, (taps.SIZE**2, *x.shape))


def by_adjoint(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns `conv_transpose(x, kernel)`, computed as the gradient of a strided convolution.

    cuDNN has a function for this gradient. It wants the kernel turned by 180 degrees. Turning the
    maps instead needs no copy of the kernel, and XLA fuses it with the work before and after.
    """
    batch, height, width, _ = x.shape
    y = jax.ShapeDtypeStruct((batch, 2 * height, 2 * width, kernel.shape[-1]), x.dtype)
    (turned,) = jax.linear_transpose(lambda y: _adjoint(y, kernel), y)(_turn_maps(x))
    return _turn_maps(turned)


def by_product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns `conv_transpose(x, kernel)`, computed by one product with all taps."""
    pixels = jnp.einsum("tbhwi,tio->tbhwo", _for_each_tap(x), taps.of(kernel))
    return taps.spread(pixels[::-1], 2 * x.shape[1], 2 * x.shape[2])


def by_all_taps(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> Gradients:
    """Returns the same gradients as `by_single_taps`, by two products with all taps."""
    pixels = jnp.stack(taps.seen(cotangent)[::-1])
    by_kernel = jnp.einsum("tbhwi,tbhwo->tio", _for_each_tap(x), pixels)
    by_x = jnp.einsum("tbhwo,tio->tbhwi", pixels, taps.of(kernel))
    return by_x.sum(0), by_kernel.reshape(kernel.shape)


def by_single_taps(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> Gradients:
    """Returns both gradients of `conv_transpose`, by one product after the other.

    Only the gradient of large maps is a convolution, the adjoint. The kernel's gradient is the
    adjoint's, turned.

    Args:
      x: [B, H, W, I].
      kernel: [4, 4, I, O].
      cotangent: [B, 2H, 2W, O].
    """
    pixels = taps.seen(cotangent)[::-1]
    if kernel.shape[-1] < _NARROW and is_undivided():
        seen = by_examples(cotangent, jnp.swapaxes(kernel, 2, 3), x, (2, 2), ((1, 1), (1, 1)))
        by_kernel = jnp.swapaxes(jnp.flip(seen, (0, 1)), 2, 3)
    else:
        by_kernel = jnp.stack([jnp.einsum("bhwi,bhwo->io", x, part) for part in pixels])
    if x.shape[1] * x.shape[2] >= _LARGE:
        by_x = _adjoint(cotangent, jnp.flip(kernel, (0, 1)))
    else:
        pairs = zip(pixels, taps.of(kernel), strict=True)
        by_x = sum(jnp.einsum("bhwo,io->bhwi", part, tap) for part, tap in pairs)
    return by_x, by_kernel.reshape(kernel.shape)


def by_turned_maps(x: jax.Array, kernel: jax.Array, cotangent: jax.Array) -> Gradients:
    """Returns the same gradients as `by_single_taps`: those of the adjoint, with turned maps."""
    turned = _turn_maps(cotangent)
    (by_kernel,) = jax.linear_transpose(partial(_adjoint, turned), kernel)(_turn_maps(x))
    return _turn_maps(_adjoint(turned, kernel)), by_kernel


def _turn_maps(maps: jax.Array) -> jax.Array:
    """Turns maps [B, H, W, C] by 180 degrees."""
    return jnp.flip(maps, (1, 2))


def _adjoint(y: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the strided convolution [B, H, W, I] of `y`, [B, 2H, 2W, O]."""
    numbers, padding = ("NHWC", "HWOI", "NHWC"), ((1, 1), (1, 1))
    return jax.lax.conv_general_dilated(y, kernel, (2, 2), padding, dimension_numbers=numbers)


conv_transpose.defvjp(_forward, _backward)
