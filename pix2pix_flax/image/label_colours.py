"""Converts images in palette colours to class numbers and back, on the accelerator."""

import jax
import jax.numpy as jnp

from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.image.palettes import Palette


def nearest_class(images: jax.Array, palette: Palette) -> jax.Array:
    """Returns the class with the nearest colour, possibly void, int32 [B, H, W].

    The distance is Euclidean in RGB.

    Args:
      images: [B, H, W, 3] in [-1, 1].
      palette: classes and their colours.
    """
    classes = jnp.zeros(images.shape[:-1], jnp.int32)
    least = jnp.full(images.shape[:-1], jnp.inf)
    # One colour after another: distances to all colours at once need the memory of 20 images.
    for number, colour in enumerate(normalize(palette.colours)):
        distance = jnp.sum(jnp.square(images - colour), axis=-1)
        classes = jnp.where(distance < least, number, classes)
        least = jnp.minimum(distance, least)
    return classes


def paint(classes: jax.Array, palette: Palette) -> jax.Array:
    """Paints classes, int [B, H, W], in palette colours: float32 [B, H, W, 3] in [-1, 1]."""
    return jnp.asarray(normalize(palette.colours))[classes]
