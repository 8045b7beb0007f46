"""Translates video files."""

from pix2pix_flax.inference.video.info import VideoError
from pix2pix_flax.inference.video.options import VideoOptions
from pix2pix_flax.inference.video.translate import translate_video

__all__ = ["VideoError", "VideoOptions", "translate_video"]
