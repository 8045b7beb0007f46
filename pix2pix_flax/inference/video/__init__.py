"""Videos translated from file to file."""

from pix2pix_flax.inference.video.container import VideoError
from pix2pix_flax.inference.video.translate import translate_video

__all__ = ["VideoError", "translate_video"]
