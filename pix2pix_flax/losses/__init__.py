"""Losses: functions from arrays to a scalar."""

from pix2pix_flax.losses.gan import (
    GAN_LOSSES,
    GanLoss,
    feature_matching,
    gradient_penalty,
    image_scores,
    mean_loss,
    mean_over_scales,
    relative,
    slope_penalty,
    thresholds,
)
from pix2pix_flax.losses.reconstruction import (
    RECONSTRUCTION_LOSSES,
    cross_entropy,
    gradient,
    ink,
    l1,
    l2,
    white,
)

__all__ = [
    "GAN_LOSSES",
    "RECONSTRUCTION_LOSSES",
    "GanLoss",
    "cross_entropy",
    "feature_matching",
    "gradient",
    "gradient_penalty",
    "image_scores",
    "ink",
    "l1",
    "l2",
    "mean_loss",
    "mean_over_scales",
    "relative",
    "slope_penalty",
    "thresholds",
    "white",
]
