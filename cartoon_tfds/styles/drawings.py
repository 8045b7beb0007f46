"""Line styles: `ink` on flat colour, and `sketch` in pencil on paper."""

import cv2
import numpy as np

from cartoon_tfds.styles.colour import (
    draw_lines,
    lab_to_rgb,
    quantise_softly,
    raise_local_contrast,
    rgb_to_lab,
    scale_chroma,
)
from cartoon_tfds.styles.flow import (
    Streamlines,
    average_along,
    trace_streamlines,
)
from cartoon_tfds.styles.lines import (
    contours,
    edge_response,
    find_edges,
)
from cartoon_tfds.styles.smoothing import flatten, smooth_regions, straighten_edges


def ink(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Draws a photograph in ink: dark lines along its edges over flat colour.

    After Winnemoeller, Olsen and Gooch, "Real-Time Video Abstraction", 2006. The lines follow
    Kang, Lee and Chui, 2007, and Kyprianidis and Doellner, 2008.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      line_width: width of the lines in pixels, at least 1; all smoothing is proportional to it.

    Returns:
      RGB uint8 `[H, W, 3]`.
    """
    unit = line_width / 2
    smooth, flow, coherence = find_edges(photo, unit)
    streamlines = trace_streamlines(flow, steps=5, length=1.3 * unit)
    lines = contours(smooth[..., 0], flow, coherence, streamlines, unit)
    colours = straighten_edges(_ink_colours(photo, unit), coherence, streamlines)
    drawing = draw_lines(colours, lines, ink_luminance=0.12, ink_chroma=0.4)
    # Antialiasing, as of a pen: jagged edges would shimmer in a video.
    return lab_to_rgb(cv2.GaussianBlur(drawing, (0, 0), 0.45 * unit))


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
    smooth, flow, coherence = find_edges(photo, unit)
    streamlines = trace_streamlines(flow, steps=6, length=unit)
    luminance = smooth[..., 0]
    paper = 97 * _shading(photo, streamlines, unit) * _strokes(luminance, streamlines, unit)
    paper *= 1 - 0.8 * _pencil_lines(luminance, flow, coherence, streamlines, unit)
    return lab_to_rgb(np.dstack([paper, np.zeros_like(paper), np.zeros_like(paper)]))


def _ink_colours(photo: np.ndarray, unit: float) -> np.ndarray:
    """Returns the flat colours beneath the lines, Lab float32 `[H, W, 3]`."""
    lab = smooth_regions(flatten(photo, 15 * unit, 0.25), 2 * unit, contrast=8, passes=2)
    luminance = raise_local_contrast(lab[..., 0], 5 * unit, amount=0.25)
    lab[..., 0] = quantise_softly(luminance, steps=6, sharpness=2)
    return scale_chroma(lab, 1.2)  # livelier than the photo


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
