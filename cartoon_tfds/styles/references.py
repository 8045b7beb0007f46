"""Common cartoon filters as reference styles to compare with: `opencv` and `classic`."""

import cv2
import numpy as np


def opencv(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Draws a photograph with `cv2.stylization`; a line width of 2 gives OpenCV's defaults.

    The smoothing, a domain transform (Gastal and Oliveira, 2011), is proportional to the line
    width, but the lines are always one pixel wide.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      line_width: nominal width of a line in pixels, at least 1.

    Returns:
      RGB uint8 `[H, W, 3]`.
    """
    return cv2.stylization(photo, sigma_s=30 * line_width, sigma_r=0.45)


def classic(photo: np.ndarray, line_width: float) -> np.ndarray:
    """Draws the cartoon of most tutorials: a bilateral filter, and an adaptive threshold for lines.

    Args:
      photo: RGB uint8 `[H, W, 3]`.
      line_width: width of a line in pixels, at least 1; 2 gives the usual windows, 5 and 9.

    Returns:
      RGB uint8 `[H, W, 3]`.
    """
    window = _odd(4.5 * line_width)
    colours = cv2.bilateralFilter(photo, window, 250, 250)
    grey = cv2.medianBlur(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), _odd(2.5 * line_width))
    lines = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, window, 7
    )
    return cv2.bitwise_and(colours, cv2.cvtColor(lines, cv2.COLOR_GRAY2RGB))


def _odd(size: float) -> int:
    """Returns a window side near `size`: odd and at least 3 pixels, as OpenCV requires."""
    return max(3, 2 * int(size / 2) + 1)
