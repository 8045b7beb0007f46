"""Translates image files."""

from pix2pix_flax.inference.images.translate import InputError, translate_images

__all__ = ["InputError", "translate_images"]
