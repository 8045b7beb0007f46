"""Turns photographs into cartoons with OpenCV and NumPy, without randomness or files."""

from cartoon_tfds.styles.presets import MAX_SIDE, STYLES, Style, cartoonize

__all__ = ["MAX_SIDE", "STYLES", "Style", "cartoonize"]
