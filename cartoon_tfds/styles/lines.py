"""Lines where the picture is darker than its two sides: a flow-guided difference of Gaussians."""

import math

import cv2
import numpy as np

from cartoon_tfds.styles.colour import rgb_to_lab
from cartoon_tfds.styles.flow import (
    Streamlines,
    average_along,
    edge_tangent_flow,
    pixel_grid,
    sample,
)

_WIDE = 1.6  # standard deviation of the wide over that of the narrow Gaussian (Marr and Hildreth)


def find_edges(photo: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns a photograph without noise, which would make lines, and where its edges run.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      unit: half the width of a line in pixels.

    Returns:
      Lab float32 `[H, W, 3]`, and flow and coherence as `edge_tangent_flow` gives them.
    """
    smooth = cv2.GaussianBlur(rgb_to_lab(photo), (0, 0), 0.7 * unit)
    return smooth, *edge_tangent_flow(smooth, 2 * unit)


def contours(
    luminance: np.ndarray,
    flow: np.ndarray,
    coherence: np.ndarray,
    streamlines: Streamlines,
    unit: float,
) -> np.ndarray:
    """Returns solid lines along the contours of a picture and hardly any in its texture.

    Args:
      luminance: float32 `[H, W]`, 0..100, free of noise.
      flow: unit vectors along the edges, float32 `[H, W, 2]`.
      coherence: float32 `[H, W]`, 0..1, from `edge_tangent_flow`.
      streamlines: from `trace_streamlines`.
      unit: half the width of a line in pixels.

    Returns:
      Coverage by ink, float32 `[H, W]`, 0..1.
    """
    response = edge_response(luminance, flow, coherence, streamlines, unit, sigma=0.8, amount=2)
    return coherent_lines(response, streamlines, faintest=0.15, full=0.6)


def edge_response(
    luminance: np.ndarray,
    flow: np.ndarray,
    coherence: np.ndarray,
    streamlines: Streamlines,
    unit: float,
    *,
    sigma: float,
    amount: float,
) -> np.ndarray:
    """Returns how much of a line each pixel is: the response along its edge, less that of texture.

    Args:
      luminance: float32 `[H, W]`, 0..100, free of noise.
      flow: unit vectors along the edges, float32 `[H, W, 2]`.
      coherence: float32 `[H, W]`, 0..1, from `edge_tangent_flow`.
      streamlines: from `trace_streamlines`.
      unit: half the width of a line in pixels.
      sigma: of `flow_guided_dog`, in units.
      amount: of `suppress_texture`.

    Returns:
      float32 `[H, W]` in units of the luminance; negative means no line.
    """
    response = average_along(flow_guided_dog(luminance, flow, sigma * unit), streamlines)
    response = relate_to_brightness(response, luminance, 6 * unit)
    return suppress_texture(response, coherence, 6 * unit, amount)


def flow_guided_dog(luminance: np.ndarray, flow: np.ndarray, sigma: float) -> np.ndarray:
    """Returns how much darker each pixel is than what lies on both sides of its edge.

    Kang, Lee and Chui, "Coherent Line Drawing", 2007, equation 6: a one-dimensional difference of
    Gaussians across the flow. It is the plain difference; the tone term of XDoG (Winnemoeller,
    Kyprianidis and Olsen, 2012, equation 7) would blacken shadows as well.

    Args:
      luminance: float32 `[H, W]`.
      flow: unit vectors along the edges, float32 `[H, W, 2]`.
      sigma: standard deviation of the narrow Gaussian in pixels.

    Returns:
      float32 `[H, W]` in units of the luminance, positive on the dark side of edges and on dark
      lines, 0 where the picture is flat.
    """
    columns, rows = pixel_grid(luminance.shape)
    response = np.zeros_like(luminance)
    for offset, weight in zip(*_dog_kernel(sigma), strict=True):
        across = (columns + offset * flow[..., 1], rows - offset * flow[..., 0])
        response += weight * sample(luminance, across)
    return response


def relate_to_brightness(response: np.ndarray, luminance: np.ndarray, sigma: float) -> np.ndarray:
    """Returns the response made larger where the surround is dark, smaller where it is bright.

    The eyes of a shaded face differ from the skin by a few L units only, and still are what one
    sees first: contrast counts relative to the light there is.

    Args:
      response: float32 `[H, W]`.
      luminance: float32 `[H, W]`, 0..100.
      sigma: size of the surround in pixels.

    Returns:
      float32 `[H, W]`; the same as `response` at a surround of L = 50.
    """
    return response * (85 / (35 + cv2.GaussianBlur(luminance, (0, 0), sigma)))


def suppress_texture(
    response: np.ndarray, coherence: np.ndarray, sigma: float, amount: float
) -> np.ndarray:
    """Returns the response less what its surround has of it: contours stay, texture goes.

    One line among none keeps nearly all of its response; a blade of grass among others is no more
    than its surround. This is the surround inhibition of Grigorescu, Petkov and Westenberg,
    "Contour detection based on nonclassical receptive field inhibition", 2003, without the
    orientations; short strokes in all directions lose up to half by their low coherence instead.

    Args:
      response: float32 `[H, W]`.
      coherence: float32 `[H, W]`, 0..1, from `edge_tangent_flow`.
      sigma: size of the surround in pixels.
      amount: how many times the surround's mean is taken off.

    Returns:
      float32 `[H, W]`, in the units of `response`; negative means no line.
    """
    surround = cv2.GaussianBlur(np.abs(response), (0, 0), sigma)
    return response * (0.5 + 0.5 * coherence) - amount * surround


def coherent_lines(
    response: np.ndarray, streamlines: Streamlines, faintest: float, full: float
) -> np.ndarray:
    """Returns lines: a soft threshold, averaged along the flow so that gaps close and dots fade.

    The second average is Kyprianidis and Doellner's, 2008, section 5: it also smooths the stairs
    of the threshold along the line and leaves it sharp across.

    Args:
      response: float32 `[H, W]`.
      streamlines: from `trace_streamlines`.
      faintest: response up to which there is no line at all.
      full: response from which a line is solid.

    Returns:
      Coverage by ink, float32 `[H, W]`, 0..1.
    """
    covered = average_along(_smooth_step(response, faintest, full), streamlines)
    return average_along(_smooth_step(covered, 0.1, 0.6), streamlines[:2])


def _dog_kernel(sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns offsets in pixels and weights, wide minus narrow, both float32 and of sum 0."""
    # Thick lines are sampled more sparsely, so that the cost per pixel stays the same.
    spacing = max(1.0, sigma)
    reach = math.ceil(2.4 * _WIDE * sigma / spacing)
    offsets = np.arange(-reach, reach + 1) * spacing
    narrow = np.exp(-0.5 * (offsets / sigma) ** 2)
    wide = np.exp(-0.5 * (offsets / (_WIDE * sigma)) ** 2)
    weights = wide / wide.sum() - narrow / narrow.sum()
    return offsets.astype(np.float32), weights.astype(np.float32)


def _smooth_step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Returns 0 below `low`, 1 above `high` and the cubic 3t^2 - 2t^3 between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
