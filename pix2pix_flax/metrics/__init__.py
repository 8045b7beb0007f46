"""Scores of images against their targets. Those of sets of images: `distributions`."""

from pix2pix_flax.metrics.image import (
    colourfulness,
    confusion,
    histogram_intersection,
    l1,
    luma,
    psnr,
    ssim,
)

__all__ = ["colourfulness", "confusion", "histogram_intersection", "l1", "luma", "psnr", "ssim"]
