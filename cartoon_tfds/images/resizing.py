"""Pictures of another size, without aliasing."""

import cv2
import numpy as np


def resize(
    image: np.ndarray, height: int, width: int, *, enlarging: int = cv2.INTER_CUBIC
) -> np.ndarray:
    """Resizes uint8 [H, W, C] to uint8 [height, width, C]; no copy if the size is the same.

    Reducing averages over areas, which does not alias, but would make blocks of an enlarged
    picture.

    Args:
      image: uint8 [H, W, C].
      height: of the result, in pixels.
      width: of the result, in pixels.
      enlarging: OpenCV's interpolation for a result of as many pixels or more.
    """
    if image.shape[:2] == (height, width):
        return image
    is_smaller = height * width < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if is_smaller else enlarging
    resized = cv2.resize(image, (width, height), interpolation=method)
    return resized.reshape(height, width, image.shape[2])  # OpenCV drops an axis of one channel
