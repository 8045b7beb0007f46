"""Pictures in another size."""

import cv2
import numpy as np


def resize(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns uint8 [B, height, width, 3] for uint8 [B, H, W, 3], itself where nothing changes.

    Larger pictures are interpolated (Lanczos, 8x8 pixels); smaller ones are means over areas, which
    leaves no moire.
    """
    if images.shape[1:3] == (height, width):
        return images
    is_smaller = height * width < images.shape[1] * images.shape[2]
    method = cv2.INTER_AREA if is_smaller else cv2.INTER_LANCZOS4
    return np.stack([cv2.resize(image, (width, height), interpolation=method) for image in images])
