"""Optical flow between two frames of a video, and images that are warped along it."""

import functools

import cv2
import numpy as np

_LONG_SIDE = 288  # pixels: the flow is estimated on frames that are scaled to this long side,
_LEAST_SCALE = 0.5  # or by this factor if it is larger, to stay precise on large frames
_SHORT_SIDE = 16  # pixels: DIS does not work on smaller frames
_STILL = 0.25  # pixels of the warped image: smaller shifts count as no motion
_AROUND = (9, 9)  # pixels over which a flow is compared with no motion


class Motion:
    """Estimates optical flow (DIS, Kroeger et al. 2016, https://arxiv.org/abs/1603.03590)."""

    def __init__(self):
        self._dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        # The preset stops at a quarter of the resolution, which is too coarse for sharp and steady
        # edges. Half the resolution takes longer; fewer patches and one refinement save that time.
        self._dis.setFinestScale(1)
        self._dis.setPatchStride(5)
        self._dis.setVariationalRefinementIterations(1)

    def __call__(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Returns the flow from `start` to `end`, float32 [H, W, 2]: columns and rows in pixels.

        On even areas of a still picture DIS follows the noise. So the flow is 0 wherever `end` is
        nearer to `start` without it.

        Args:
          start: a frame from `shrink`, uint8 RGB [H, W, 3].
          end: another frame of the same shape.
        """
        start, end = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (start, end))
        flow = self._dis.calc(start, end, None)
        flow[_difference(end, start) < _difference(warp(end, flow), start)] = 0
        return flow


def shrink(frame: np.ndarray) -> np.ndarray:
    """Returns a frame, uint8 RGB [H, W, 3], at the size at which the flow is estimated.

    The frame is blurred by one pixel, so that noise counts neither as motion nor as change.
    """
    height, width = frame.shape[:2]
    scale = min(1, max(_LONG_SIDE / max(height, width), _LEAST_SCALE))
    size = [max(_SHORT_SIDE, round(scale * length)) for length in (width, height)]
    return cv2.GaussianBlur(cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR), (0, 0), 1)


def warp(image: np.ndarray, flow: np.ndarray, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
    """Samples an image along a flow, with a repeated border: uint8 [H, W, C].

    Shifts under a quarter of a pixel are ignored, because sampling between pixels blurs.

    Args:
      image: uint8 [H, W] or [H, W, C].
      flow: float32 [h, w, 2] of the whole image, at any resolution, in pixels of [h, w].
      interpolation: of OpenCV. Bilinear sampling in each frame anew blurs, and cubic hardly does.
    """
    height, width = image.shape[:2]
    flow = cv2.multiply(flow, (width / flow.shape[1], height / flow.shape[0], 0, 0))
    moves = np.abs(flow) >= _STILL
    if not moves.any():
        return image
    points = cv2.add(cv2.resize(flow * moves, (width, height)), _grid(height, width))
    return cv2.remap(image, points, None, interpolation, borderMode=cv2.BORDER_REPLICATE)


def _difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the sum of absolute differences around each pixel, float32 [H, W]."""
    return cv2.boxFilter(cv2.absdiff(first, second), cv2.CV_32F, _AROUND, normalize=False)


@functools.lru_cache(maxsize=4)
def _grid(height: int, width: int) -> np.ndarray:
    """Returns the column and the row of each pixel, float32 [H, W, 2]."""
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    return np.dstack(np.meshgrid(columns, rows))
