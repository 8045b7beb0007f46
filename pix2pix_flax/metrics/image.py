"""Image quality metrics: one value for each example.

`l1`, `psnr` and `ssim` raise a ValueError if the shapes of the two batches differ.
"""

import dm_pix
import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError
from pix2pix_flax.image import shapes


def _unit(images: jax.Array) -> jax.Array:
    """Maps [-1, 1] to the [0, 1] in which PSNR and SSIM are defined."""
    return (jnp.asarray(images, jnp.float32) + 1.0) / 2.0


def l1(a: jax.Array, b: jax.Array) -> jax.Array:
    """Returns the mean absolute difference of [B, H, W, C] images in [-1, 1], float32 [B].

    In the unit of the images: 2.0 for black against white.
    """
    shapes.check_equal(a.shape, b.shape)
    return jnp.mean(jnp.abs(jnp.asarray(a, jnp.float32) - b), axis=(1, 2, 3))


def psnr(a: jax.Array, b: jax.Array) -> jax.Array:
    """Returns the peak signal-to-noise ratio in dB of [B, H, W, C] images in [-1, 1], float32 [B].

    Over all channels; the peak is 2.0, from black to white. Infinite for equal images.
    """
    shapes.check_equal(a.shape, b.shape)
    return dm_pix.psnr(_unit(a), _unit(b))


def ssim(a: jax.Array, b: jax.Array) -> jax.Array:
    """Returns the structural similarity of [B, H, W, C] images in [-1, 1], float32 [B].

    Wang et al. 2004: Gaussian window 11x11 with sigma 1.5, K1 .01, K2 .03, population covariance,
    only windows that lie inside the image, the mean over channels. Equals scikit-image's
    `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)`.

    Raises:
      UserError: if the images are smaller than the window.
    """
    shapes.check_equal(a.shape, b.shape)
    if min(a.shape[1:3]) < 11:
        raise UserError(f"SSIM needs images of 11x11 or more, not {a.shape[1]}x{a.shape[2]}.")
    return dm_pix.ssim(_unit(a), _unit(b))


def luma(images: jax.Array) -> jax.Array:
    """Returns Y, float32 [B, H, W, 1] in [-1, 1], of RGB [B, H, W, 3] in [-1, 1].

    As in MATLAB's `rgb2ycbcr` (ITU-R BT.601), black is 16 and white 235 of 255. The PSNR of this Y
    is 1.3 dB higher than the PSNR of a Y with levels from 0 to 255.
    """
    shares = jnp.array([[65.481], [128.553], [24.966]], jnp.float32)
    # The default precision of GPUs is too low for 8 bits per channel.
    levels = jnp.matmul(_unit(images), shares, precision=jax.lax.Precision.HIGHEST) + 16.0
    return levels / 127.5 - 1.0


def colourfulness(images: jax.Array) -> jax.Array:
    """Returns the colourfulness of [B, H, W, 3] images in [-1, 1], float32 [B].

    Hasler and Süsstrunk, "Measuring colourfulness in natural images", 2003, equation 7, for levels
    of 0..255: 0 for grey, about 15 for slightly, 45 for averagely and 82 for highly colourful.
    """
    red, green, blue = jnp.moveaxis(255.0 * _unit(images), -1, 0)
    opponents = jnp.stack([red - green, (red + green) / 2.0 - blue])
    deviation = jnp.linalg.norm(opponents.std((-2, -1)), axis=0)
    return deviation + 0.3 * jnp.linalg.norm(opponents.mean((-2, -1)), axis=0)


def histogram_intersection(a: jax.Array, b: jax.Array, *, bins: int, limit: float) -> jax.Array:
    """Returns the share that the histograms of two arrays have in common, float32 [B, C].

    Swain and Ballard, "Color indexing", 1991, section 3.1. It is 1 for equal values
    in any order.

    Args:
      a: [B, H, W, C]; values outside -limit..limit count for the outermost bins.
      b: [B, H, W, C], treated like `a`.
      bins: number of bins, which have equal widths.
      limit: the bins cover -limit..limit.
    """
    return jnp.minimum(*(_histograms(values, bins, limit) for values in (a, b))).sum(-1)


def _histograms(values: jax.Array, bins: int, limit: float) -> jax.Array:
    """Returns the share of values in each bin, float32 [B, C, bins], for [B, H, W, C]."""
    places = jnp.floor((values + limit) * (bins / (2.0 * limit)))
    places = jnp.clip(places, 0, bins - 1).astype(jnp.int32)
    places = jnp.moveaxis(places, -1, 1).reshape(len(places), values.shape[-1], -1)
    count = jax.vmap(jax.vmap(lambda channel: jnp.bincount(channel, length=bins)))
    return count(places) / places.shape[-1]
