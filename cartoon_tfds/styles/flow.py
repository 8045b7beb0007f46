"""The direction of the edges in a picture, and averages along it (line integral convolution)."""

import cv2
import numpy as np

# What cv2.remap takes: columns and rows in pixels, float32 [H, W] each.
Positions = tuple[np.ndarray, np.ndarray]
# Per step: the positions that far ahead and that far back along the flow.
Streamlines = list[tuple[Positions, Positions]]


def edge_tangent_flow(image: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the direction along the edges and how clear it is, from the structure tensor.

    Kyprianidis and Doellner, "Image Abstraction by Structure Adaptive Filtering", 2008, section 3:
    smoothing the tensor replaces the iterated vector filter of Kang, Lee and Chui, 2007, because
    opposite gradients add up in a tensor and cancel in a vector.

    Args:
      image: float32 `[H, W, C]`; the gradients of all channels add up.
      sigma: standard deviation, in pixels, of the Gaussian that smooths the tensor.

    Returns:
      Unit vectors (column, row), float32 `[H, W, 2]`, whose sign means nothing, and the coherence,
      float32 `[H, W]`: 1 where all edges nearby run one way, 0 in even texture and flat regions.
    """
    dx = cv2.Sobel(image, cv2.CV_32F, 1, 0)
    dy = cv2.Sobel(image, cv2.CV_32F, 0, 1)
    tensor = np.dstack([dot(dx, dx), dot(dx, dy), dot(dy, dy)])
    xx, xy, yy = cv2.split(cv2.GaussianBlur(tensor, (0, 0), sigma))
    # The tensor turns twice as fast as the gradient: halve its angle, then a right angle on.
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    # The constant is far under the energy of any visible edge; it only keeps 0 / 0 away.
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / (xx + yy + 1e-3)
    return np.dstack([-np.sin(angle), np.cos(angle)]), coherence


def trace_streamlines(flow: np.ndarray, steps: int, length: float) -> Streamlines:
    """Returns where one gets from each pixel by walking along the flow, both ways.

    Args:
      flow: unit vectors, float32 `[H, W, 2]`, as `edge_tangent_flow` gives them.
      steps: number of Euler steps each way.
      length: length of a step in pixels.

    Returns:
      `steps` pairs of positions, nearest first.
    """
    return list(zip(_walk(flow, steps, length), _walk(-flow, steps, length), strict=True))


def average_along(field: np.ndarray, streamlines: Streamlines) -> np.ndarray:
    """Returns the field averaged along the flow: a line integral convolution.

    Args:
      field: float32 `[H, W]` or `[H, W, C]`.
      streamlines: from `trace_streamlines`; the first few of them give a shorter average. The
        weights are a Gaussian that reaches two standard deviations at the last.

    Returns:
      float32 of the shape of `field`.
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
    """Returns the field at positions between the pixels; outside, its border is repeated."""
    return cv2.remap(field, *positions, method, borderMode=cv2.BORDER_REPLICATE)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns the inner products over the last axis, `[H, W]` of two `[H, W, C]`."""
    return np.einsum("hwc,hwc->hw", a, b)


def _walk(flow: np.ndarray, steps: int, length: float) -> list[Positions]:
    """Returns the positions after each step, starting along `flow` and never turning back."""
    columns, rows = pixel_grid(flow.shape)
    direction, visited = flow, []
    for _ in range(steps):
        columns = columns + length * direction[..., 0]
        rows = rows + length * direction[..., 1]
        visited.append((columns, rows))
        # Vectors of free sign must not be interpolated: nearest, then turned to go on ahead.
        ahead = sample(flow, (columns, rows), cv2.INTER_NEAREST)
        sign = np.where(dot(ahead, direction) < 0, np.float32(-1), np.float32(1))
        direction = ahead * sign[..., None]
    return visited
