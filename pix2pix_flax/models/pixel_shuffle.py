"""Larger images from more channels (Shi et al. 2016, arXiv:1609.05158, equation 4)."""

import jax


def pixel_shuffle(x: jax.Array, factor: int) -> jax.Array:
    """Returns [B, factor * H, factor * W, C] for [B, H, W, factor**2 * C].

    Channels are those of the output for each of its pixels in turn, row by row.
    """
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, factor, factor, channels // factor**2)
    x = x.transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, factor * height, factor * width, channels // factor**2)


def doublings(scale: int) -> int:
    """Returns how many doublings make a scale; raises a ValueError where none do."""
    count = scale.bit_length() - 1
    if scale != 2**count:
        raise ValueError(f"config.generator.scale must be 1, 2, 4 or 8, not {scale}.")
    return count
