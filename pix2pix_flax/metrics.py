"""Image quality metrics: one value for each example."""

import dm_pix
import jax
import jax.numpy as jnp


def _unit(images: jax.Array) -> jax.Array:
    """Maps [-1, 1] to the [0, 1] in which PSNR and SSIM are defined."""
    return (jnp.asarray(images, jnp.float32) + 1.0) / 2.0


def l1(a: jax.Array, b: jax.Array) -> jax.Array:
    """Returns the mean absolute difference of [B, H, W, C] images in [-1, 1], float32 [B].

    The unit is that of the images, so 2.0 is black against white.
    """
    return jnp.mean(jnp.abs(jnp.asarray(a, jnp.float32) - b), axis=(1, 2, 3))


def psnr(a: jax.Array, b: jax.Array) -> jax.Array:
    """Returns the peak signal-to-noise ratio in dB of [B, H, W, C] images in [-1, 1], float32 [B].

    Over all channels of RGB, peak to peak 2.0; infinite for equal images.
    """
    return dm_pix.psnr(_unit(a), _unit(b))


def ssim(a: jax.Array, b: jax.Array) -> jax.Array:
    """Returns the structural similarity of [B, H, W, C] images in [-1, 1], float32 [B].

    Wang et al. 2004: Gaussian window 11x11 with sigma 1.5, K1 .01, K2 .03, population covariance,
    windows that lie inside the image only, the mean over channels. Equals scikit-image's
    `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)`.

    Raises:
      ValueError: for images smaller than the window.
    """
    if min(a.shape[1:3]) < 11:
        raise ValueError(f"SSIM needs images of 11x11 or more, not {a.shape[1]}x{a.shape[2]}.")
    return dm_pix.ssim(_unit(a), _unit(b))
