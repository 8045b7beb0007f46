"""Whether a higher or a lower value of a score is better."""

import math

HIGHER_IS_BETTER = frozenset(
    {
        *("psnr", "ssim", "psnr_y", "ssim_y"),
        *("pixel_accuracy", "class_accuracy", "mean_iou"),
        *("a_intersection", "b_intersection", "white_kept"),
        *("accuracy_real", "accuracy_fake"),
        *("vgg16_precision", "vgg16_recall", "vgg16_density", "vgg16_coverage"),
    }
)
"""Scores for which higher is better. All others are distances or errors: lower is better."""


def rank(name: str, value: float | None) -> float:
    """Returns a number that is larger for a better value of a score.

    Args:
      name: name of the score, as validation writes it.
      value: its value; None and numbers that are not finite rank below every other value.
    """
    if value is None or not math.isfinite(value):
        return -math.inf
    return value if name in HIGHER_IS_BETTER else -value
