"""Lines where a picture is darker than on both sides: a flow-guided difference of Gaussians."""

import math

import cv2
import numpy as np

from cartoon_tfds.styles.flow import (
    Streamlines,
    average_along,
    edge_tangent_flow,
    pixel_grid,
    sample,
)
from cartoon_tfds.styles.tone import smooth_step

_WIDE = 1.6  # ratio of the two standard deviations, wide to narrow (Marr and Hildreth)


def find_edges(
    lab: np.ndarray, unit: float, blur: float = 0.7
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Removes noise, which would become lines, and finds the direction of the edges.

    Args:
      lab: the photograph, Lab float32 `[H, W, 3]`.
      unit: half the width of a line in pixels.
      blur: standard deviation of the Gaussian against noise, as a multiple of `unit`.

    Returns:
      The smoothed photograph, Lab float32 `[H, W, 3]`, and the results of `edge_tangent_flow`.
    """
    smooth = cv2.GaussianBlur(lab, (0, 0), blur * unit)
    return smooth, *edge_tangent_flow(smooth, 2 * unit)


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
    """Returns the strength of a line at each pixel, averaged along the edge and without texture.

    Args:
      luminance: float32 `[H, W]`, 0..100, free of noise.
      flow: unit vectors along the edges, float32 `[H, W, 2]`.
      coherence: float32 `[H, W]`, 0..1, from `edge_tangent_flow`.
      streamlines: from `trace_streamlines`.
      unit: half the width of a line in pixels.
      sigma: the argument of `flow_guided_dog`, as a multiple of `unit`.
      amount: the argument of `suppress_texture`.

    Returns:
      float32 `[H, W]` in units of the luminance; negative means no line.
    """
    response = average_along(flow_guided_dog(luminance, flow, sigma * unit), streamlines)
    response = relate_to_brightness(response, luminance, 6 * unit)
    return suppress_texture(response, coherence, 6 * unit, amount)


def flow_guided_dog(luminance: np.ndarray, flow: np.ndarray, sigma: float) -> np.ndarray:
    """Returns how much darker each pixel is than the pixels on both sides of its edge.

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
    """Increases the response in dark surrounds and reduces it in bright ones.

    The eyes of a shaded face differ from the skin by only a few L units, and still one sees them
    first: visible contrast is relative to the brightness of the surround.

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
    """Subtracts the mean response of the surround: contours stay, texture goes.

    A single line keeps nearly all of its response; a blade of grass among others responds no more
    than its surround. This is the surround inhibition of Grigorescu, Petkov and Westenberg,
    "Contour detection based on nonclassical receptive field inhibition", 2003, without the
    orientations. Instead, short strokes in all directions have a low coherence, which takes up to
    half of their response.

    Args:
      response: float32 `[H, W]`.
      coherence: float32 `[H, W]`, 0..1, from `edge_tangent_flow`.
      sigma: size of the surround in pixels.
      amount: multiple of the surround's mean that is subtracted.

    Returns:
      float32 `[H, W]`, in the units of `response`; negative means no line.
    """
    surround = cv2.GaussianBlur(np.abs(response), (0, 0), sigma)
    return response * (0.5 + 0.5 * coherence) - amount * surround


def coherent_lines(
    response: np.ndarray, streamlines: Streamlines, faintest: float, full: float
) -> np.ndarray:
    """Makes lines by a soft threshold and averages along the flow, so gaps close and dots fade.

    The second average is from Kyprianidis and Doellner, 2008, section 5: it also smooths the jagged
    edges of the threshold along a line, and keeps the line sharp across.

    Args:
      response: float32 `[H, W]`.
      streamlines: from `trace_streamlines`.
      faintest: largest response that gives no line.
      full: smallest response that gives a solid line.

    Returns:
      Coverage by ink, float32 `[H, W]`, 0..1.
    """
    covered = average_along(smooth_step(response, faintest, full), streamlines)
    return average_along(smooth_step(covered, 0.1, 0.6), streamlines[:2])


def _dog_kernel(sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns offsets in pixels, and weights (wide minus narrow Gaussian, sum 0), both float32."""
    # Thick lines are sampled more sparsely, so that the cost per pixel stays the same.
    spacing = max(1.0, sigma)
    reach = math.ceil(2.4 * _WIDE * sigma / spacing)
    offsets = np.arange(-reach, reach + 1) * spacing
    narrow = np.exp(-0.5 * (offsets / sigma) ** 2)
    wide = np.exp(-0.5 * (offsets / (_WIDE * sigma)) ** 2)
    weights = wide / wide.sum() - narrow / narrow.sum()
    return offsets.astype(np.float32), weights.astype(np.float32)
