"""Colour styles: `watercolour` with a pen on white paper, and `poster` like a screen print."""

import cv2
import numpy as np

from cartoon_tfds.styles.colour import (
    draw_lines,
    lab_to_rgb,
    lay_pigment,
    raise_vibrance,
    rgb_to_lab,
    scale_chroma,
)
from cartoon_tfds.styles.flow import average_along, trace_streamlines
from cartoon_tfds.styles.lines import find_edges, flow_guided_dog
from cartoon_tfds.styles.smoothing import (
    flatten,
    kuwahara_along,
    smooth_regions,
    straighten_edges,
)
from cartoon_tfds.styles.strokes import outlines
from cartoon_tfds.styles.tone import (
    lift_shadows,
    quantise_softly,
    raise_local_contrast,
    smooth_step,
)

# Lab colours of `poster`: the ink of its shadows, and its paper.
_NAVY = np.array([20, 14, -30], np.float32)
_CREAM = np.array([96, 1, 10], np.float32)


def watercolour(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Draws a photograph in line and wash: light watercolour and a thin pen on white paper.

    After Bousseau, Kaplan, Thollot and Sillion, "Interactive Watercolor Rendering with Temporal
    Coherence and Abstraction", 2006: abstraction, edge darkening, density of the pigment. Paper
    texture and turbulence are left out, because they would stand still while a video moves; here
    the pigment within a wash varies with the photo.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      line_width: width of a line in pixels, at least 1; all smoothing is proportional to it.

    Returns:
      RGB uint8 `[H, W, 3]`.
    """
    unit = line_width / 2
    lab = rgb_to_lab(photo)
    smooth, flow, coherence = find_edges(lab, unit, blur=1.0)
    streamlines = trace_streamlines(flow, steps=6, length=1.3 * unit)
    pen = outlines(lab, smooth, flow, coherence, streamlines, 0.6 * unit)
    washes = _patches(photo, flow, coherence, unit)
    washes = kuwahara_along(washes, flow, coherence, 2.5 * unit)
    granules = np.tanh((smooth[..., 0] - washes[..., 0]) / 8)
    lifted = lift_shadows(washes[..., 0], 6 * unit, gamma=0.75, amount=8)
    washes[..., 0] = quantise_softly(lifted, steps=5, sharpness=4)
    washes = straighten_edges(washes, coherence, streamlines)
    rim = average_along(flow_guided_dog(washes[..., 0], flow, 1.6 * unit), streamlines)
    thickness = 0.62 * (1 + 0.9 * np.tanh(np.maximum(rim, 0))) * (1 - 0.18 * granules)
    thickness *= 1 - 0.75 * smooth_step(washes[..., 0], 70, 96)  # highlights are bare paper
    wet = cv2.GaussianBlur(washes[..., 1:], (0, 0), 4 * unit)  # colours run into each other
    washes[..., 1:] = 0.5 * washes[..., 1:] + 0.5 * wet
    washes = lay_pigment(scale_chroma(washes, 1.7), thickness)
    return lab_to_rgb(draw_lines(washes, 0.75 * pen, ink_luminance=0.3, ink_chroma=0.6))


def poster(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Draws a photograph as a screen print: bold shapes between navy shadows and cream paper.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      line_width: width of a line in pixels, at least 1; all smoothing is proportional to it.

    Returns:
      RGB uint8 `[H, W, 3]`.
    """
    unit = line_width / 2
    _, flow, coherence = find_edges(rgb_to_lab(photo), unit)
    streamlines = trace_streamlines(flow, steps=6, length=1.3 * unit)
    lab = smooth_regions(flatten(photo, 24 * unit, 0.3), 2.4 * unit, contrast=14, passes=4)
    lab = kuwahara_along(lab, flow, coherence, 2 * unit)
    lab = straighten_edges(lab, coherence, streamlines)
    luminance = raise_local_contrast(lab[..., 0], 8 * unit, amount=0.5)
    lifted = lift_shadows(luminance, 8 * unit, gamma=0.8, amount=4)
    lab = raise_vibrance(scale_chroma(lab, ((lifted + 5) / (luminance + 5)) ** 0.7), 1.3)
    tone = lab[..., 0] = quantise_softly(lifted, steps=5, sharpness=6)
    navy = 0.9 * (1 - smooth_step(tone, 8, 32))[..., None]
    cream = 0.8 * smooth_step(tone, 72, 98)[..., None]
    lab += navy * (_NAVY - lab)
    lab += cream * (_CREAM - lab)
    return lab_to_rgb(cv2.GaussianBlur(lab, (0, 0), 0.35 * unit))


def _patches(photo: np.ndarray, flow: np.ndarray, coherence: np.ndarray, unit: float) -> np.ndarray:
    """Turns the photo into patches of even colour along its edges, Lab float32 `[H, W, 3]`."""
    lab = smooth_regions(flatten(photo, 20 * unit, 0.25), 2 * unit, contrast=8, passes=1)
    return kuwahara_along(lab, flow, coherence, 1.4 * unit)
