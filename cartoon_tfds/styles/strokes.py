"""The outlines of a comic: closed strokes of varying weight, and dots for eyes.

The lines of `lines.py` lie on the dark side of an edge. These also follow the crest of the
gradient, so each visible edge has one, whichever side is darker and even if only its colour
changes.
"""

import cv2
import numpy as np

from cartoon_tfds.styles.flow import Streamlines, average_along
from cartoon_tfds.styles.lines import (
    coherent_lines,
    flow_guided_dog,
    relate_to_brightness,
    suppress_texture,
)
from cartoon_tfds.styles.tone import smooth_step

_SHORTEST = 14  # half line widths; shorter strokes are dirt
_FAINT, _SOLID = 0.15, 0.8  # coverage where a stroke ends, and that it must reach somewhere


def outlines(
    lab: np.ndarray,
    smooth: np.ndarray,
    flow: np.ndarray,
    coherence: np.ndarray,
    streamlines: Streamlines,
    unit: float,
) -> np.ndarray:
    """Draws the outlines of a photograph: thick on silhouettes, thin inside, none in texture.

    Args:
      lab: the photograph, Lab float32 `[H, W, 3]`.
      smooth: the same, free of noise.
      flow: unit vectors along the edges, float32 `[H, W, 2]`.
      coherence: float32 `[H, W]`, 0..1, from `edge_tangent_flow`.
      streamlines: from `trace_streamlines`.
      unit: half the width of a line in pixels.

    Returns:
      Coverage by ink, float32 `[H, W]`, 0..1.
    """
    response = average_along(_edges(smooth, flow, unit), streamlines)
    response = relate_to_brightness(response, smooth[..., 0], 6 * unit)
    response = suppress_texture(response, coherence, 8 * unit, amount=1.1)
    lines = coherent_lines(response, streamlines, faintest=0.12, full=0.8)
    lines = drop_short(lines, _SHORTEST * unit)
    weight = 1 + 0.15 * np.minimum(contrast(lab, 2 * unit) / 15, 1)
    lines = smooth_step(cv2.GaussianBlur(lines, (0, 0), 0.5 * unit) * weight, 0.15, 0.75)
    return np.maximum(lines, 0.8 * _spots(lab[..., 0], unit))


def drop_short(lines: np.ndarray, shortest: float) -> np.ndarray:
    """Removes strokes that are short, or faint along their whole length (hysteresis).

    Connected strokes are one; its length is the diagonal of its box. Near the limit, strokes fade:
    one that appeared at once would flicker in a video.

    Args:
      lines: coverage by ink, float32 `[H, W]`, 0..1.
      shortest: length in pixels.

    Returns:
      Coverage by ink, float32 `[H, W]`, 0..1.
    """
    inked = (lines > _FAINT).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inked, connectivity=8)
    sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].astype(np.float32)
    kept = smooth_step(np.hypot(*sides.T), 0.8 * shortest, 1.25 * shortest)
    darkest = np.zeros(count, np.float32)
    np.maximum.at(darkest, labels.ravel(), lines.ravel())
    kept *= smooth_step(darkest, _SOLID - 0.2, _SOLID)
    kept[0] = 0  # the ground; the soft rim of a stroke is kept by its neighbours
    return lines * cv2.dilate(kept[labels], np.ones((3, 3), np.uint8))


def contrast(channels: np.ndarray, sigma: float) -> np.ndarray:
    """Returns by how much a picture changes over `sigma` pixels, float32 `[H, W]`.

    Args:
      channels: float32 `[H, W, C]`.
      sigma: standard deviation, in pixels, of the Gaussian before the gradient.
    """
    return sigma * _gradient(cv2.GaussianBlur(channels, (0, 0), sigma).reshape(channels.shape))


def _edges(smooth: np.ndarray, flow: np.ndarray, unit: float) -> np.ndarray:
    """Returns the strength of a line at each pixel, float32 `[H, W]`: dark sides and crests."""
    crest = -unit * _gradient(smooth)
    sides = flow_guided_dog(np.dstack([smooth, crest]), flow, 0.8 * unit)
    dark, green_red, blue_yellow, crest = cv2.split(sides)
    # A change of colour alone responds on both sides of the edge; the light side gets no line.
    colour = cv2.magnitude(green_red, blue_yellow) * (dark > -0.3)
    return 1.2 * dark + 0.6 * colour + 0.9 * crest


def _spots(luminance: np.ndarray, unit: float) -> np.ndarray:
    """Returns the coverage by ink of single dark spots, such as pupils, float32 `[H, W]`, 0..1."""
    blurs = [cv2.GaussianBlur(luminance, (0, 0), s * unit) for s in (1.6, 2.88, 5.2)]
    found = np.zeros_like(luminance)
    for narrow, wide, least in zip(blurs, blurs[1:], (1.8, 2.8), strict=False):
        response = relate_to_brightness(wide - narrow, luminance, 6 * unit)
        surround = cv2.GaussianBlur(np.abs(response), (0, 0), 12 * unit)
        found = np.maximum(found, smooth_step(response - 1.6 * surround, least, least + 2.5))
    return found


def _gradient(channels: np.ndarray) -> np.ndarray:
    """Returns the gradient magnitude of `[H, W, C]` over all channels, in units per pixel."""
    # A 3x3 Sobel kernel has the gain 8 on a unit ramp.
    dx, dy = (cv2.Sobel(channels, cv2.CV_32F, x, 1 - x, scale=1 / 8) for x in (1, 0))
    return np.sqrt(
        np.square(dx).reshape(channels.shape).sum(-1)
        + np.square(dy).reshape(channels.shape).sum(-1)
    )
