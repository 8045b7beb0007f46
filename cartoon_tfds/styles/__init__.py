"""Photographs into cartoons with OpenCV and NumPy: deterministic, without files or randomness."""

from cartoon_tfds.styles.presets import MAX_SIDE, STYLES, Style, cartoonize

__all__ = ["MAX_SIDE", "STYLES", "Style", "cartoonize"]
