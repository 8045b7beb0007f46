"""Smoothing that keeps edges: photographs become even regions of colour."""

import math

import cv2
import numpy as np

from cartoon_tfds.styles.colour import rgb_to_lab
from cartoon_tfds.styles.flow import Streamlines, average_along, dot, pixel_grid, sample

_SECTORS = 8  # around each pixel, as in Kyprianidis, Kang and Doellner


def flatten(photo: np.ndarray, reach: float, contrast: float) -> np.ndarray:
    """Removes texture from the photo with a recursive domain transform filter.

    Gastal and Oliveira, "Domain Transform for Edge-Aware Image and Video Processing", 2011, section
    4.2. The cost does not depend on `reach`.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      reach: distance over which colours spread, in pixels.
      contrast: 0..1; differences well under this share of the full range are smoothed away.

    Returns:
      RGB uint8 `[H, W, 3]`.
    """
    return cv2.edgePreservingFilter(photo, flags=cv2.RECURS_FILTER, sigma_s=reach, sigma_r=contrast)


def smooth_regions(photo: np.ndarray, sigma: float, contrast: float, passes: int) -> np.ndarray:
    """Converts the photo to Lab and smooths it with repeated small bilateral filters.

    Winnemoeller, Olsen and Gooch, "Real-Time Video Abstraction", 2006, section 3.1.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      sigma: spatial standard deviation in pixels.
      contrast: range standard deviation in Lab units.
      passes: number of times that the filter is applied.

    Returns:
      Lab float32 `[H, W, 3]`.
    """
    lab = rgb_to_lab(photo)
    diameter = 2 * round(1.5 * sigma) + 1
    for _ in range(passes):
        lab = cv2.bilateralFilter(lab, diameter, contrast, sigma)
    return lab


def kuwahara_along(
    lab: np.ndarray, flow: np.ndarray, coherence: np.ndarray, radius: float
) -> np.ndarray:
    """Turns the picture into patches of even colour that follow its edges.

    An anisotropic Kuwahara filter, after Kyprianidis, Kang and Doellner, "Image and Video
    Abstraction by Anisotropic Kuwahara Filtering", 2009, section 3: each pixel takes the mean of
    its eight sectors, with the largest weights for the sectors that vary least. The sectors lie on
    an ellipse that is stretched along the edges. Unlike in the paper, a sector is a round Gaussian
    at a distance from the pixel, so two blurs and eight look-ups serve all pixels at any radius.

    Args:
      lab: Lab float32 `[H, W, 3]`.
      flow: unit vectors along the edges, float32 `[H, W, 2]`.
      coherence: float32 `[H, W]`, 0..1, from `edge_tangent_flow`.
      radius: distance of the sectors from the pixel, in pixels.

    Returns:
      Lab float32 `[H, W, 3]`.
    """
    mean = cv2.GaussianBlur(lab, (0, 0), 0.5 * radius)
    square = cv2.GaussianBlur(dot(lab, lab), (0, 0), 0.5 * radius)
    sectors = np.dstack([mean, square - dot(mean, mean)])
    columns, rows = pixel_grid(lab.shape)
    stretch = 1 + 0.8 * coherence
    total, sum_of_weights = np.zeros_like(lab), np.zeros_like(coherence)
    for angle in np.arange(_SECTORS) * (2 * math.pi / _SECTORS):
        along = radius * math.cos(angle) * stretch
        across = radius * math.sin(angle) / stretch
        x = columns + along * flow[..., 0] + across * flow[..., 1]
        y = rows + along * flow[..., 1] - across * flow[..., 0]
        sector = sample(sectors, (x, y))
        weight = (1 + np.maximum(sector[..., 3], 0) / 4) ** -4
        total += weight[..., None] * sector[..., :3]
        sum_of_weights += weight
    return total / sum_of_weights[..., None]


def straighten_edges(
    lab: np.ndarray, coherence: np.ndarray, streamlines: Streamlines
) -> np.ndarray:
    """Averages the jagged edges of smoothed colours into clean curves.

    Smoothing has sharpened the edges into stairs. Where no direction dominates (an eye, a knot,
    lettering), the average would only swirl the colours, so they stay unchanged there.

    Args:
      lab: Lab float32 `[H, W, 3]`.
      coherence: float32 `[H, W]`, 0..1, from `edge_tangent_flow`.
      streamlines: from `trace_streamlines`; the first three are followed.

    Returns:
      Lab float32 `[H, W, 3]`.
    """
    share = np.clip((coherence - 0.3) / 0.5, 0, 1)[..., None]
    return lab + share * (average_along(lab, streamlines[:3]) - lab)
