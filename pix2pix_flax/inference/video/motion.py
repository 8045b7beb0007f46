"""Motion between two frames of a video, and pictures that are moved along it."""

import functools

import cv2
import numpy as np

_LONG_SIDE = 288  # pixels: motion is looked for in frames of about this size,
_LEAST_SCALE = 0.5  # or of this scale, so that large frames keep their precision
_SHORT_SIDE = 16  # pixels: DIS finds nothing to divide in smaller ones
_STILL = 0.25  # pixels of the moved picture: less is no motion


class Motion:
    """Estimates optical flow (DIS, Kroeger et al. 2016, https://arxiv.org/abs/1603.03590)."""

    def __init__(self):
        self._dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        # The preset stops at a quarter of the size, too coarse for edges to stay sharp and steady.
        # Going on to half costs time, which fewer patches and one round of smoothing win back.
        self._dis.setFinestScale(1)
        self._dis.setPatchStride(5)
        self._dis.setVariationalRefinementIterations(1)

    def __call__(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Returns the flow from `start` to `end`, float32 [H, W, 2]: columns and rows in pixels.

        Args:
          start: uint8 RGB [H, W, 3], as `shrink` returns them.
          end: Another of the same shape.
        """
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (start, end)]
        return self._dis.calc(*grey, None)


def shrink(frame: np.ndarray) -> np.ndarray:
    """Returns a frame, uint8 RGB [H, W, 3], at the size at which motion is looked for.

    It is softened by a pixel, so that noise is taken neither for motion nor for change.
    """
    height, width = frame.shape[:2]
    scale = min(1, max(_LONG_SIDE / max(height, width), _LEAST_SCALE))
    size = [max(_SHORT_SIDE, round(scale * length)) for length in (width, height)]
    return cv2.GaussianBlur(cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR), (0, 0), 1)


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Returns the picture looked up along the flow, bilinear, its border repeated.

    Motion under a quarter of a pixel is left out: looking up between pixels softens.

    Args:
      image: uint8 [H, W, C].
      flow: float32 [h, w, 2] in its own pixels: of the image, whatever its size.
    """
    height, width = image.shape[:2]
    flow = cv2.multiply(flow, (width / flow.shape[1], height / flow.shape[0], 0, 0))
    moves = np.abs(flow) >= _STILL
    if not moves.any():
        return image
    points = cv2.add(cv2.resize(flow * moves, (width, height)), _grid(height, width))
    return cv2.remap(image, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@functools.lru_cache(maxsize=4)
def _grid(height: int, width: int) -> np.ndarray:
    """Returns the column and the row of each pixel, float32 [H, W, 2]."""
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    return np.dstack(np.meshgrid(columns, rows))
