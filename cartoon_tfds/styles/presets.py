"""The named styles, and `cartoonize`, which checks its arguments and applies one of them."""

import dataclasses
import math
import types
from collections.abc import Callable, Mapping

import cv2
import numpy as np

from cartoon_tfds.errors import UserError
from cartoon_tfds.styles.drawings import ink, sketch
from cartoon_tfds.styles.paintings import poster, watercolour
from cartoon_tfds.styles.references import classic, opencv


@dataclasses.dataclass(frozen=True)
class Style:
    """A way of drawing a photograph.

    Attributes:
      function: takes an RGB uint8 picture `[H, W, 3]`, which it does not modify, and the width of a
        line in pixels, at least 1; returns an RGB uint8 picture of the same shape.
      version: number to raise with every change of the pixels that `function` returns; datasets
        record it.
      summary: the look of the style in a few words.
      lines_across: size of a picture (the root of its area) divided by its default line width.
    """

    function: Callable[[np.ndarray, float], np.ndarray]
    version: int
    summary: str
    lines_across: int = 128


# To add a style, write a function from the shared steps and enter it here.
STYLES: Mapping[str, Style] = types.MappingProxyType(
    {
        "ink": Style(ink, 2, "bold outlines over flat, lively colour in few tones", 200),
        "watercolour": Style(watercolour, 2, "light washes and a thin pen on white paper", 170),
        "sketch": Style(sketch, 1, "grey pencil strokes on near-white paper"),
        "poster": Style(poster, 2, "bold shapes between navy shadows and cream paper", 160),
        "opencv": Style(opencv, 1, "reference: cv2.stylization"),
        "classic": Style(classic, 1, "reference: bilateral filter and adaptive threshold"),
    }
)

_MIN_LINE_WIDTH = 1.0  # pixels; thinner lines cannot be drawn
MAX_SIDE = 32766  # cv2.remap counts pixels in 16 bits and reserves the largest number


def cartoonize(
    photo: np.ndarray,
    style: str = "ink",
    *,
    strength: float = 1.0,
    line_width: float | None = None,
) -> np.ndarray:
    """Draws a photograph in a style.

    The same input gives the same bits with any number of OpenCV threads.

    Args:
      photo: RGB uint8 `[H, W, 3]`, 0..255, 1 to 32766 pixels a side; left unchanged.
      style: a key of `STYLES`.
      strength: share of the style, 0..1: 0 returns the photo bit for bit, 1 the full style; in
        between, every RGB value is mixed in this proportion.
      line_width: width of the lines in pixels; all smoothing is proportional to it. None takes
        the picture's size (the root of its area) divided by `Style.lines_across`, at least 1, so
        that a photo looks alike at 256 and at 1024 pixels. Pairs for training need one fixed width,
        2.0, because a convolutional network has a fixed pixel scale.

    Returns:
      RGB uint8 of the shape of `photo`, a new array.

    Raises:
      UserError: an unknown style, a strength outside 0..1, or a line width that is not a finite
        number of at least 1.
      ValueError: a photo of another type or shape.
    """
    _check_photo(photo)
    if style not in STYLES:
        raise UserError(f"unknown style {style!r}; known: {', '.join(sorted(STYLES))}")
    if not 0 <= strength <= 1:
        raise UserError(f"strength must be 0 to 1, got {strength}")
    if line_width is None:
        height, width = photo.shape[:2]
        line_width = max(_MIN_LINE_WIDTH, math.sqrt(height * width) / STYLES[style].lines_across)
    elif not _MIN_LINE_WIDTH <= line_width < math.inf:
        raise UserError(f"line_width must be finite and at least 1 pixel, got {line_width}")
    cartoon = _draw(photo, STYLES[style], float(line_width))
    # One blend for all styles, exact at both ends. Weakening the single steps of a style would not
    # always change the picture monotonically.
    return cv2.addWeighted(photo, 1 - strength, cartoon, strength, 0)


def _draw(photo: np.ndarray, style: Style, line_width: float) -> np.ndarray:
    """Draws the photograph in the full style; pads it before if it is narrower than the filters.

    OpenCV 5 reads out of bounds if a picture is narrower than half of the bilateral filter, or one
    pixel wide (cv2.stylization), and crashes on some of these pictures.
    """
    height, width = photo.shape[:2]
    least = math.ceil(1.5 * line_width) + 1
    below, beside = max(0, least - height), max(0, least - width)
    widened = cv2.copyMakeBorder(photo, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    return style.function(widened, line_width)[:height, :width]


def _check_photo(photo: np.ndarray) -> None:
    """Raises ValueError unless `photo` is an RGB uint8 picture that OpenCV can take."""
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8:
        found = getattr(photo, "dtype", type(photo).__name__)
        raise ValueError(f"photo must be a uint8 array, got {found}")
    if photo.ndim != 3 or photo.shape[2] != 3:
        raise ValueError(f"photo must be RGB of shape [H, W, 3], got {list(photo.shape)}")
    if not 1 <= min(photo.shape[:2]) <= max(photo.shape[:2]) <= MAX_SIDE:
        raise UserError(f"photo sides must be 1 to {MAX_SIDE} pixels, got {list(photo.shape)}")
