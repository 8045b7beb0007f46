"""Photographs into cartoons with OpenCV and NumPy: deterministic, without files or randomness."""

from cartoon_tfds.styles.presets import STYLES, cartoonize

__all__ = ["STYLES", "cartoonize"]
