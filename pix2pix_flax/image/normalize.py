"""Conversion between uint8 images and floats in [-1, 1]."""

import jax
import jax.numpy as jnp


def normalize(images: jax.Array) -> jax.Array:
    """Maps uint8 [...] in 0..255 to float32 in [-1, 1]."""
    return images.astype(jnp.float32) / 127.5 - 1.0


def denormalize(images: jax.Array) -> jax.Array:
    """Maps floats in [-1, 1] to uint8, rounding to the nearest level; the inverse of normalize."""
    return jnp.clip(jnp.round((images + 1.0) * 127.5), 0, 255).astype(jnp.uint8)
