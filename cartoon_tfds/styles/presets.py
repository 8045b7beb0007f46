"""The named styles and the one checked way to apply them."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from cartoon_tfds.styles.ink import ink

# A style takes an RGB uint8 picture [H, W, 3] and a line width in pixels and gives a new picture.
# Add one here when it exists as a function over the shared steps.
STYLES: Mapping[str, Callable[[np.ndarray, float], np.ndarray]] = {"ink": ink}

_LINES_ACROSS = 128  # a picture is this many line widths across: 2 pixels at 256x256
_MIN_LINE_WIDTH = 1.0  # pixels; thinner lines cannot be drawn
_MAX_SIDE = 32767  # cv2.remap counts pixels in 16 bits


def cartoonize(
    photo: np.ndarray, style: str = "ink", *, line_width: float | None = None
) -> np.ndarray:
    """Returns the photograph drawn in a style.

    The same input gives the same bits, whatever the number of OpenCV threads.

    Args:
      photo: RGB uint8 `[H, W, 3]`, 0..255, 1 to 32767 pixels a side; left unchanged.
      style: a key of `STYLES`.
      line_width: width of the lines in pixels, to which all smoothing is proportional. None takes
        1/128 of the picture's size (the root of its area) and at least 1, so that a photo looks
        alike at 256 and at 1024 pixels. Pairs for training take one fixed width at the size the
        network sees (2.0 at 256x256), since a convolutional network has a fixed pixel scale.

    Returns:
      RGB uint8 of the shape of `photo`.

    Raises:
      ValueError: a photo of another type or shape, an unknown style, or a line width that is not a
        finite number of at least 1.
    """
    _check_photo(photo)
    if style not in STYLES:
        raise ValueError(f"unknown style {style!r}; known: {', '.join(sorted(STYLES))}")
    if line_width is None:
        height, width = photo.shape[:2]
        line_width = max(_MIN_LINE_WIDTH, math.sqrt(height * width) / _LINES_ACROSS)
    elif not _MIN_LINE_WIDTH <= line_width < math.inf:
        raise ValueError(f"line_width must be finite and at least 1 pixel, got {line_width}")
    return STYLES[style](photo, float(line_width))


def _check_photo(photo: np.ndarray) -> None:
    """Raises ValueError unless `photo` is an RGB uint8 picture that OpenCV can take."""
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8:
        found = getattr(photo, "dtype", type(photo).__name__)
        raise ValueError(f"photo must be a uint8 array, got {found}")
    if photo.ndim != 3 or photo.shape[2] != 3:
        raise ValueError(f"photo must be RGB of shape [H, W, 3], got {list(photo.shape)}")
    if not 1 <= min(photo.shape[:2]) <= max(photo.shape[:2]) <= _MAX_SIDE:
        raise ValueError(f"photo sides must be 1 to {_MAX_SIDE} pixels, got {list(photo.shape)}")
