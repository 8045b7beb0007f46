"""Between classes and the colours of a palette, on the accelerator."""

import jax
import jax.numpy as jnp

from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.image.palettes import Palette


def nearest_class(images: jax.Array, palette: Palette) -> jax.Array:
    """Returns the class of the nearest colour by Euclid, void included, int32 [B, H, W].

    Args:
      images: [B, H, W, 3] in [-1, 1].
      palette: the classes.
    """
    classes = jnp.zeros(images.shape[:-1], jnp.int32)
    least = jnp.full(images.shape[:-1], jnp.inf)
    # One colour after the other: the distances to all at once would take the memory of 20 images.
    for number, colour in enumerate(normalize(palette.colours)):
        distance = jnp.sum(jnp.square(images - colour), axis=-1)
        classes = jnp.where(distance < least, number, classes)
        least = jnp.minimum(distance, least)
    return classes


def paint(classes: jax.Array, palette: Palette) -> jax.Array:
    """Returns classes int [B, H, W] in their colours, float32 [B, H, W, 3] in [-1, 1]."""
    return jnp.asarray(normalize(palette.colours))[classes]
