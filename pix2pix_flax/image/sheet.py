"""Pictures of one size in rows."""

import math

import numpy as np

_GAP = 2  # pixels between the pictures


def grid(images: np.ndarray, columns: int = 0) -> np.ndarray:
    """Returns images uint8 [N, H, W, 3] in rows on white, uint8 [H', W', 3].

    Args:
      images: from left to right and from top to bottom.
      columns: in a row; 0: as many as rows, or one more.
    """
    columns = min(columns or math.ceil(math.sqrt(len(images))), len(images))
    rows = math.ceil(len(images) / columns)
    height, width = (side + _GAP for side in images.shape[1:3])
    sheet = np.full((rows * height - _GAP, columns * width - _GAP, 3), 255, np.uint8)
    for place, image in enumerate(images):
        top, left = place // columns * height, place % columns * width
        sheet[top : top + height - _GAP, left : left + width - _GAP] = image
    return sheet
