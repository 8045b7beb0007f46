"""Colour styles: `soft` like animated films, `watercolour` on paper, `poster` in few inks."""

import cv2
import numpy as np

from cartoon_tfds.styles.colour import (
    draw_lines,
    lab_to_rgb,
    lay_pigment,
    rgb_to_lab,
    scale_chroma,
    take_from_palette,
)
from cartoon_tfds.styles.flow import (
    average_along,
    trace_streamlines,
)
from cartoon_tfds.styles.lines import contours, find_edges, flow_guided_dog
from cartoon_tfds.styles.smoothing import (
    flatten,
    kuwahara_along,
    smooth_regions,
    straighten_edges,
)
from cartoon_tfds.styles.tone import quantise_softly, raise_local_contrast

# The inks of `poster`, RGB, the same for every picture: greys, skin and wood, reds, yellows,
# greens, blues, pink; each from dark to light.
POSTER_PALETTE = np.array(
    [
        *[(24, 22, 32), (50, 50, 60), (86, 86, 94), (132, 132, 134), (184, 184, 184)],
        *[(246, 242, 230), (84, 50, 40), (148, 92, 64), (206, 142, 104), (242, 192, 154)],
        *[(250, 224, 202), (112, 26, 38), (198, 46, 46), (218, 108, 88)],
        *[(226, 84, 44), (236, 136, 44), (218, 166, 60), (250, 220, 116), (42, 62, 34)],
        *[(112, 112, 52), (174, 186, 100), (58, 126, 76), (18, 64, 72), (30, 120, 124)],
        *[(26, 46, 92), (34, 96, 160), (96, 162, 212), (184, 218, 236), (212, 116, 156)],
    ],
    np.uint8,
)


def soft(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Draws a photograph in flat, lively colour with hardly any lines, like the cels of a film.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      line_width: width of a line in pixels, at least 1; all smoothing is proportional to it.

    Returns:
      RGB uint8 `[H, W, 3]`.
    """
    unit = line_width / 2
    smooth, flow, coherence = find_edges(photo, unit)
    streamlines = trace_streamlines(flow, steps=5, length=1.3 * unit)
    lab = _patches(photo, flow, coherence, unit)
    luminance = raise_local_contrast(lab[..., 0], 5 * unit, amount=0.3)
    # Cels have no black. Lifting the dark end also keeps it no darker than in the photo.
    lab[..., 0] = 6 + 0.94 * quantise_softly(luminance, steps=7, sharpness=3.5)
    lab = straighten_edges(scale_chroma(lab, 1.35), coherence, streamlines)
    lines = contours(smooth[..., 0], flow, coherence, streamlines, unit)
    lab = draw_lines(lab, lines, ink_luminance=0.7, ink_chroma=1)
    return lab_to_rgb(cv2.GaussianBlur(lab, (0, 0), 0.45 * unit))


def watercolour(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Draws a photograph as a watercolour: light washes that dry darker at their borders.

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
    smooth, flow, coherence = find_edges(photo, unit)
    streamlines = trace_streamlines(flow, steps=5, length=1.3 * unit)
    lab = _patches(photo, flow, coherence, unit)
    lab = kuwahara_along(lab, flow, coherence, 2 * unit)  # washes are wider than cels
    granules = np.tanh((smooth[..., 0] - lab[..., 0]) / 8)
    lab[..., 0] = quantise_softly(lab[..., 0], steps=6, sharpness=3.5)
    lab = straighten_edges(lab, coherence, streamlines)
    rim = average_along(flow_guided_dog(lab[..., 0], flow, 1.3 * unit), streamlines)
    thickness = 0.54 * (1 + 0.6 * np.tanh(np.maximum(rim, 0) / 1.2)) * (1 - 0.1 * granules)
    wet = cv2.GaussianBlur(lab[..., 1:], (0, 0), 3 * unit)  # colours run into each other
    lab[..., 1:] = 0.6 * lab[..., 1:] + 0.4 * wet
    lab = lay_pigment(scale_chroma(lab, 1.5), thickness)
    return lab_to_rgb(cv2.GaussianBlur(lab, (0, 0), 0.35 * unit))


def poster(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Draws a photograph as a screen print: bold shapes in the few colours of `POSTER_PALETTE`.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      line_width: width of a line in pixels, at least 1; all smoothing is proportional to it.

    Returns:
      RGB uint8 `[H, W, 3]`; only the antialiased borders mix colours of the palette.
    """
    unit = line_width / 2
    _, flow, coherence = find_edges(photo, unit)
    streamlines = trace_streamlines(flow, steps=3, length=1.3 * unit)
    lab = _patches(photo, flow, coherence, unit)
    luminance = raise_local_contrast(lab[..., 0], 8 * unit, amount=0.5)
    lab[..., 0] = 100 * (luminance / 100) ** 0.85  # without it a dark street would be one ink
    lab = straighten_edges(scale_chroma(lab, 1.3), coherence, streamlines)
    inks = rgb_to_lab(POSTER_PALETTE[None])[0]
    lab = take_from_palette(lab, inks, softness=40, sigma=1.2 * unit)
    return lab_to_rgb(cv2.GaussianBlur(lab, (0, 0), 0.35 * unit))


def _patches(photo: np.ndarray, flow: np.ndarray, coherence: np.ndarray, unit: float) -> np.ndarray:
    """Turns the photo into patches of even colour along its edges, Lab float32 `[H, W, 3]`."""
    lab = smooth_regions(flatten(photo, 20 * unit, 0.25), 2 * unit, contrast=8, passes=1)
    return kuwahara_along(lab, flow, coherence, 1.4 * unit)
