"""Metrics of a photo-to-cartoon style: specks, flat share, edge keep and flicker.

All functions take only RGB uint8 pictures `[H, W, 3]`, so a rule-based style, a network's output
and the photograph itself are measured in the same way.
"""

import cv2
import numpy as np

SPECK_AREA = 16  # pixels; a dark component smaller than this is a speck
SPECK_DEPTH = 40  # grey levels below the local median
FLAT_GRADIENT = 1.0  # CIELAB units per pixel
EDGE_GRADIENT = 3.0  # CIELAB units per pixel
EDGE_QUANTILE = 0.95  # the photo's strongest 5 % of gradients are its edges
EDGE_RADIUS = 2  # pixels between an edge of the photo and an edge of the cartoon


def to_lab(image: np.ndarray) -> np.ndarray:
    """Returns a picture in CIELAB, float32 `[H, W, 3]`: L in 0..100."""
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def gradient(lab: np.ndarray) -> np.ndarray:
    """Returns the gradient magnitude of a CIELAB picture, float32 `[H, W]`, in units per pixel."""
    # A 3x3 Sobel kernel has the gain 8 on a unit ramp.
    dx = cv2.Sobel(lab, cv2.CV_32F, 1, 0) / 8
    dy = cv2.Sobel(lab, cv2.CV_32F, 0, 1) / 8
    return np.sqrt(np.sum(dx * dx + dy * dy, axis=-1))


def lab_gradient(image: np.ndarray) -> np.ndarray:
    """Returns the CIELAB gradient magnitude of a picture, float32 `[H, W]`, in units per pixel."""
    return gradient(to_lab(image))


def specks_per_megapixel(image: np.ndarray) -> float:
    """Returns the number of small dark dots per million pixels.

    A speck is a connected component (8 neighbours) of under 16 pixels that are each more than 40
    grey levels darker than the median of their 15x15 surround.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    dark = cv2.medianBlur(grey, 15).astype(np.int16) - grey > SPECK_DEPTH
    _, _, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]  # row 0 is the background
    return float(np.sum(areas < SPECK_AREA) * 1e6 / grey.size)


def flat_share(image: np.ndarray) -> float:
    """Returns the share of pixels, 0..1, whose Lab gradient is under 1 unit per pixel."""
    return float(np.mean(lab_gradient(image) < FLAT_GRADIENT))


def edge_keep(photo: np.ndarray, cartoon: np.ndarray) -> float:
    """Returns the share, 0..1, of the photo's edges with a cartoon edge within 2 pixels.

    Edges of the photo are its top 5 % of Lab gradients; edges of the cartoon are gradients over 3
    units per pixel.
    """
    gradient = lab_gradient(photo)
    edges = gradient > np.quantile(gradient, EDGE_QUANTILE)
    if not edges.any():
        return 1.0
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * EDGE_RADIUS + 1,) * 2)
    answered = cv2.dilate((lab_gradient(cartoon) > EDGE_GRADIENT).astype(np.uint8), disc)
    return float(np.mean(answered[edges]))


def consistent_flow(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the DIS optical flow from `first` to `second` and a mask of its reliable pixels.

    Returns:
      The flow, float32 `[H, W, 2]` in pixels, and a bool `[H, W]` that is true where the flow stays
      in the picture and the flow back returns to within one pixel of the start.
    """
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    forward = estimator.calc(grey[0], grey[1], None)
    backward = estimator.calc(grey[1], grey[0], None)
    returned = forward + warp(backward, forward)
    height, width = grey[0].shape
    columns, rows = _targets(forward)
    inside = (columns >= 0) & (columns <= width - 1) & (rows >= 0) & (rows <= height - 1)
    return forward, inside & (np.sum(returned * returned, axis=-1) < 1)


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Samples the picture along the flow (bilinear); same shape and dtype as `image`."""
    columns, rows = _targets(flow)
    return cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def warp_error(
    first: np.ndarray, second: np.ndarray, flow: np.ndarray, trusted: np.ndarray
) -> float:
    """Returns mean |warp(second) - first| over the trusted pixels, in grey levels 0..255."""
    if not trusted.any():
        return 0.0
    difference = cv2.absdiff(warp(second, flow), first)
    return float(np.mean(difference[trusted]))


def _targets(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the columns and rows that the flow points at, float32 `[H, W]` each."""
    height, width = flow.shape[:2]
    columns = np.arange(width, dtype=np.float32) + flow[..., 0]
    rows = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    return columns, rows
