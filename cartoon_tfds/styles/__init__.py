"""Photographs into cartoons with OpenCV and NumPy: deterministic, without files or randomness."""

from cartoon_tfds.styles.presets import STYLES, Style, cartoonize

__all__ = ["STYLES", "Style", "cartoonize"]
