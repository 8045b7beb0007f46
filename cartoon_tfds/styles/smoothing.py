"""Smoothing that keeps edges: photographs become even regions of colour."""

import cv2
import numpy as np

from cartoon_tfds.styles.colour import rgb_to_lab


def flatten(photo: np.ndarray, reach: float, contrast: float) -> np.ndarray:
    """Returns the photo without texture, by a recursive domain transform filter.

    Gastal and Oliveira, "Domain Transform for Edge-Aware Image and Video Processing", 2011, section
    4.2; its cost does not depend on `reach`.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      reach: how far colours spread, in pixels.
      contrast: 0..1; differences well under this share of the full range are smoothed away.

    Returns:
      RGB uint8 `[H, W, 3]`.
    """
    return cv2.edgePreservingFilter(photo, flags=cv2.RECURS_FILTER, sigma_s=reach, sigma_r=contrast)


def smooth_regions(photo: np.ndarray, sigma: float, contrast: float, passes: int) -> np.ndarray:
    """Returns the photo in Lab, smoothed by repeated small bilateral filters.

    Winnemoeller, Olsen and Gooch, "Real-Time Video Abstraction", 2006, section 3.1.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      sigma: spatial standard deviation in pixels.
      contrast: range standard deviation in Lab units.
      passes: how often the filter is applied.

    Returns:
      Lab float32 `[H, W, 3]`.
    """
    lab = rgb_to_lab(photo)
    diameter = 2 * round(1.5 * sigma) + 1
    for _ in range(passes):
        lab = cv2.bilateralFilter(lab, diameter, contrast, sigma)
    return lab
