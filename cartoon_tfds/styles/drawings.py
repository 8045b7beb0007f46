"""Line styles: `ink` on flat colour, and `sketch` in pencil on paper."""

import cv2
import numpy as np

from cartoon_tfds.styles.colour import (
    draw_lines,
    lab_to_rgb,
    raise_vibrance,
    rgb_to_lab,
    scale_chroma,
)
from cartoon_tfds.styles.flow import (
    Streamlines,
    average_along,
    trace_streamlines,
)
from cartoon_tfds.styles.lines import edge_response, find_edges
from cartoon_tfds.styles.smoothing import (
    flatten,
    smooth_regions,
    straighten_edges,
)
from cartoon_tfds.styles.strokes import contrast, outlines
from cartoon_tfds.styles.tone import (
    lift_shadows,
    quantise_softly,
    raise_local_contrast,
    smooth_step,
)


def ink(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Draws a photograph like a comic: bold outlines over flat, lively colour in few tones.

    After Winnemoeller, Olsen and Gooch, "Real-Time Video Abstraction", 2006. The lines follow
    Kang, Lee and Chui, 2007, and Kyprianidis and Doellner, 2008.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      line_width: width of the lines in pixels, at least 1; all smoothing is proportional to it.

    Returns:
      RGB uint8 `[H, W, 3]`.
    """
    unit = line_width / 2
    lab = rgb_to_lab(photo)
    smooth, flow, coherence = find_edges(lab, unit, blur=1.0)
    streamlines = trace_streamlines(flow, steps=6, length=1.3 * unit)
    lines = outlines(lab, smooth, flow, coherence, streamlines, unit)
    colours = _cel_colours(photo, coherence, streamlines, unit)
    return lab_to_rgb(draw_lines(colours, lines, ink_luminance=0.05, ink_chroma=0.3))


def sketch(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Draws a photograph in pencil: grey strokes and soft shading on near-white paper.

    The strokes are the photo's own texture, averaged along the edge tangent flow (Kang, Lee and
    Chui, 2007), so they move with the objects in a video and need no randomness.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      line_width: width of the lines in pixels, at least 1; all smoothing is proportional to it.

    Returns:
      RGB uint8 `[H, W, 3]`, grey: the channels are equal.
    """
    unit = line_width / 2
    smooth, flow, coherence = find_edges(rgb_to_lab(photo), unit)
    streamlines = trace_streamlines(flow, steps=6, length=unit)
    luminance = smooth[..., 0]
    paper = 97 * _shading(photo, streamlines, unit) * _strokes(luminance, streamlines, unit)
    paper *= 1 - 0.8 * _pencil_lines(luminance, flow, coherence, streamlines, unit)
    return lab_to_rgb(np.dstack([paper, np.zeros_like(paper), np.zeros_like(paper)]))


def _cel_colours(
    photo: np.ndarray, coherence: np.ndarray, streamlines: Streamlines, unit: float
) -> np.ndarray:
    """Returns the flat colours beneath the lines, Lab float32 `[H, W, 3]`."""
    region = 1.4 * unit
    lab = smooth_regions(flatten(photo, 12 * region, 0.25), 2 * region, contrast=10, passes=3)
    lab = straighten_edges(lab, coherence, streamlines)
    luminance = raise_local_contrast(lab[..., 0], 6 * region, amount=0.4)
    lifted = lift_shadows(luminance, 6 * unit, gamma=0.85, amount=5)
    lab = scale_chroma(lab, ((lifted + 5) / (luminance + 5)) ** 0.7)  # no shadow turns grey
    # Light turns in hard steps; in skies and cheeks, where it hardly changes, they are soft.
    slope = contrast(lifted[..., None], 2 * region)
    sharpness = 3 + 3 * smooth_step(slope, 0.25, 1.2)
    lab[..., 0] = quantise_softly(lifted, 6, sharpness)
    return raise_vibrance(lab, 0.7)


def _shading(photo: np.ndarray, streamlines: Streamlines, unit: float) -> np.ndarray:
    """Returns the reflectance of the shaded paper, in few tones, float32 `[H, W]`, 0..1."""
    tone = rgb_to_lab(flatten(photo, 15 * unit, 0.3))[..., 0]
    tone = average_along(quantise_softly(tone, steps=4, sharpness=2), streamlines[:3])
    return 1 - 0.55 * ((100 - tone) / 100) ** 2.2  # the light half is hardly shaded


def _strokes(luminance: np.ndarray, streamlines: Streamlines, unit: float) -> np.ndarray:
    """Returns the share of light that the strokes leave, float32 `[H, W]`, 0.2..1.

    It is the "colour dodge" of photo editors: areas that are darker than their surround, in
    proportion, become strokes along the edges.
    """
    surround = cv2.GaussianBlur(luminance, (0, 0), 3 * unit)
    dark = 6  # in units of L; without it, noise in black areas would become strokes
    share = (average_along(luminance, streamlines) + dark) / (surround + dark)
    return 0.2 + 0.8 * np.clip(share, 0, 1) ** 1.3


def _pencil_lines(
    luminance: np.ndarray,
    flow: np.ndarray,
    coherence: np.ndarray,
    streamlines: Streamlines,
    unit: float,
) -> np.ndarray:
    """Returns the coverage by graphite, float32 `[H, W]`, 0..1; faint edges give faint lines."""
    response = edge_response(luminance, flow, coherence, streamlines, unit, sigma=0.7, amount=1)
    return average_along(np.clip((response - 0.1) / 2, 0, 1), streamlines[:3])
