"""The direction of the edges in a picture, and averages along it (line integral convolution)."""

import cv2
import numpy as np

# The maps of cv2.remap: columns and rows in pixels, float32 [H, W] each.
Positions = tuple[np.ndarray, np.ndarray]
# For each step: the positions reached forwards and backwards along the flow.
Streamlines = list[tuple[Positions, Positions]]


def edge_tangent_flow(image: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the direction along the edges and its coherence, from the structure tensor.

    Kyprianidis and Doellner, "Image Abstraction by Structure Adaptive Filtering", 2008, section 3:
    smoothing the tensor replaces the iterated vector filter of Kang, Lee and Chui, 2007, because
    opposite gradients add up in a tensor and cancel in a vector.

    Args:
      image: float32 `[H, W, C]`; the gradients of all channels add up.
      sigma: standard deviation, in pixels, of the Gaussian that smooths the tensor.

    Returns:
      Unit vectors (column, row) of arbitrary sign, float32 `[H, W, 2]`, and the coherence, float32
      `[H, W]`: 1 where all edges nearby have one direction, 0 in even texture and flat regions.
    """
    dx = cv2.Sobel(image, cv2.CV_32F, 1, 0)
    dy = cv2.Sobel(image, cv2.CV_32F, 0, 1)
    tensor = np.dstack([dot(dx, dx), dot(dx, dy), dot(dy, dy)])
    xx, xy, yy = cv2.split(cv2.GaussianBlur(tensor, (0, 0), sigma))
    # The tensor's angle is twice the gradient's: halve it, then add a right angle.
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    # The constant only avoids 0 / 0; it is far below the energy of any visible edge.
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / (xx + yy + 1e-3)
    return np.dstack([-np.sin(angle), np.cos(angle)]), coherence


def trace_streamlines(flow: np.ndarray, steps: int, length: float) -> Streamlines:
    """Follows the flow from each pixel, forwards and backwards.

    Args:
      flow: unit vectors, float32 `[H, W, 2]`, from `edge_tangent_flow`.
      steps: number of Euler steps in each direction.
      length: length of a step in pixels.

    Returns:
      `steps` pairs of positions, forwards and backwards, nearest first.
    """
    return list(zip(_walk(flow, steps, length), _walk(-flow, steps, length), strict=True))


def average_along(field: np.ndarray, streamlines: Streamlines) -> np.ndarray:
    """Averages a field along the flow: a line integral convolution.

    Args:
      field: float32 `[H, W]` or `[H, W, C]`.
      streamlines: from `trace_streamlines`; only the first few of them give a shorter average. The
        weights are a Gaussian that reaches two standard deviations at the last one.

    Returns:
      float32 with the shape of `field`.
    """
    total, sum_of_weights = field.copy(), 1.0
    for step, both_ways in enumerate(streamlines, start=1):
        weight = float(np.exp(-2 * (step / len(streamlines)) ** 2))
        for positions in both_ways:
            total += weight * sample(field, positions)
            sum_of_weights += weight
    return total / sum_of_weights


def pixel_grid(shape: tuple[int, ...]) -> Positions:
    """Returns the positions of the pixels of a picture of shape `[H, W, ...]`."""
    columns = np.arange(shape[1], dtype=np.float32)
    rows = np.arange(shape[0], dtype=np.float32)
    return tuple(np.meshgrid(columns, rows))


def sample(field: np.ndarray, positions: Positions, method: int = cv2.INTER_LINEAR) -> np.ndarray:
    """Interpolates the field at `positions`; outside the picture, its border is repeated."""
    return cv2.remap(field, *positions, method, borderMode=cv2.BORDER_REPLICATE)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns the inner products of two fields `[H, W, C]` over the last axis, `[H, W]`."""
    return np.einsum("hwc,hwc->hw", a, b)


def _walk(flow: np.ndarray, steps: int, length: float) -> list[Positions]:
    """Returns the positions after each step, starting along `flow` and never turning back."""
    columns, rows = pixel_grid(flow.shape)
    direction, visited = flow, []
    for _ in range(steps):
        columns = columns + length * direction[..., 0]
        rows = rows + length * direction[..., 1]
        visited.append((columns, rows))
        # The signs are arbitrary, so vectors are not interpolated but the nearest one is taken, and
        # turned forwards.
        ahead = sample(flow, (columns, rows), cv2.INTER_NEAREST)
        sign = np.where(dot(ahead, direction) < 0, np.float32(-1), np.float32(1))
        direction = ahead * sign[..., None]
    return visited
