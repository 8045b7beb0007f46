"""Smooths the grain of photographs and films before a network draws them."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.image.colour import LUMA
from pix2pix_flax.models.enlargement import enlarged

GRAIN = 8 / 127.5  # standard deviation, in [-1, 1], of a texture that loses half of its contrast
HALF = (2, 2)
AROUND = (5, 5)  # pixels of half the size whose statistics a pixel has


def smoothed(images: jax.Array) -> jax.Array:
    """Returns images without the faint grain of their luminance; contours stay as sharp.

    The guided filter with the image itself as the guide (He, Sun and Tang 2013, section 3.4). It
    needs no more than the means and variances around each pixel, which are found at half the size
    (He and Sun 2015, arXiv:1505.00996). Grain of sensors and codecs changes from frame to frame; a
    network that sees it draws lines and steps that flicker.

    Args:
      images: float32 [B, H, W, C] in [-1, 1], with even H and W, of which the first three channels
        are RGB.

    Returns:
      float32 of the same shape and range; channels behind RGB are unchanged.
    """
    rgb, others = images[..., :3], images[..., 3:]
    luminance = jnp.sum(rgb * LUMA, axis=-1, keepdims=True)
    powers = nn.avg_pool(jnp.concatenate([luminance, luminance**2], axis=-1), HALF, HALF)
    mean, square = jnp.split(_around(powers), 2, axis=-1)
    variance = jnp.maximum(square - mean**2, 0)
    gain = variance / (variance + GRAIN**2)
    line = enlarged(_around(jnp.concatenate([gain, (1 - gain) * mean], axis=-1)), 2)
    gain, offset = jnp.split(line, 2, axis=-1)
    rgb = jnp.clip(rgb + (gain * luminance + offset - luminance), -1, 1)
    return jnp.concatenate([rgb, others], axis=-1)


def _around(x: jax.Array) -> jax.Array:
    """Returns the mean of the pixels around each pixel; those beyond an edge equal the edge."""
    reach = [(side // 2, side // 2) for side in AROUND]
    return nn.avg_pool(jnp.pad(x, [(0, 0), *reach, (0, 0)], mode="edge"), AROUND)
