"""Linen networks. Images are NHWC; networks compute in `dtype`, parameters are float32."""

from pix2pix_flax.models.registry import make_discriminator, make_generator

__all__ = ["make_discriminator", "make_generator"]
