"""Low-resolution images as cameras and the web leave them, made from large images under jit."""

from pix2pix_flax.image.degradation.pipeline import PRESETS, Degradation

__all__ = ["PRESETS", "Degradation"]
