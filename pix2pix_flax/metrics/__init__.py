"""Scores of images against their targets; `distributions` compares sets of images."""

from pix2pix_flax.metrics.image import colourfulness, histogram_intersection, l1, luma, psnr, ssim
from pix2pix_flax.metrics.segmentation import class_scores, confusion

__all__ = [
    "class_scores",
    "colourfulness",
    "confusion",
    "histogram_intersection",
    "l1",
    "luma",
    "psnr",
    "ssim",
]
