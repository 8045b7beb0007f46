"""The style `ink`: coherent dark lines on flat colour."""

import cv2
import numpy as np

from cartoon_tfds.styles.colour import (
    draw_lines,
    lab_to_rgb,
    quantise_softly,
    raise_local_contrast,
    rgb_to_lab,
)
from cartoon_tfds.styles.flow import (
    Streamlines,
    average_along,
    edge_tangent_flow,
    trace_streamlines,
)
from cartoon_tfds.styles.lines import (
    coherent_lines,
    flow_guided_dog,
    relate_to_brightness,
    suppress_texture,
)
from cartoon_tfds.styles.smoothing import flatten, smooth_regions


def ink(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Returns a photograph as an inked drawing: dark lines along its edges over flat colour.

    After Winnemoeller, Olsen and Gooch, "Real-Time Video Abstraction", 2006, lines after Kang,
    Lee and Chui, 2007, and Kyprianidis and Doellner, 2008.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      line_width: width of the lines in pixels, at least 1; all smoothing is proportional to it.

    Returns:
      RGB uint8 `[H, W, 3]`.
    """
    unit = line_width / 2
    soft = cv2.GaussianBlur(rgb_to_lab(photo), (0, 0), 0.7 * unit)  # noise makes no lines
    flow, coherence = edge_tangent_flow(soft, 2 * unit)
    streamlines = trace_streamlines(flow, steps=5, length=1.3 * unit)
    lines = _lines(soft[..., 0], flow, coherence, streamlines, unit)
    colours = _straighten(_colours(photo, unit), coherence, streamlines)
    drawing = draw_lines(colours, lines, ink_luminance=0.12, ink_chroma=0.4)
    # As much blur as an antialiased pen leaves: bare stairs at the edges shimmer in a video.
    return lab_to_rgb(cv2.GaussianBlur(drawing, (0, 0), 0.45 * unit))


def _lines(
    luminance: np.ndarray,
    flow: np.ndarray,
    coherence: np.ndarray,
    streamlines: Streamlines,
    unit: float,
) -> np.ndarray:
    """Returns the coverage by ink, float32 `[H, W]`, 0..1."""
    response = flow_guided_dog(luminance, flow, 0.8 * unit)
    response = average_along(response, streamlines)
    response = relate_to_brightness(response, luminance, 6 * unit)
    response = suppress_texture(response, coherence, 6 * unit, amount=2)
    return coherent_lines(response, streamlines, faintest=0.15, full=0.6)


def _colours(photo: np.ndarray, unit: float) -> np.ndarray:
    """Returns the flat colours beneath the lines, Lab float32 `[H, W, 3]`."""
    lab = smooth_regions(flatten(photo, 15 * unit, 0.25), 2 * unit, contrast=8, passes=2)
    luminance = raise_local_contrast(lab[..., 0], 5 * unit, amount=0.25)
    lab[..., 0] = quantise_softly(luminance, steps=6, sharpness=2)
    lab[..., 1:] *= 1.2  # livelier than the photo
    return lab


def _straighten(lab: np.ndarray, coherence: np.ndarray, streamlines: Streamlines) -> np.ndarray:
    """Returns the colours with the stairs along their edges averaged into clean curves.

    Smoothing has sharpened the edges. Where no one direction rules (an eye, a knot, lettering) the
    average would only swirl the colours, so there they stay.
    """
    share = np.clip((coherence - 0.3) / 0.5, 0, 1)[..., None]
    return lab + share * (average_along(lab, streamlines[:3]) - lab)
