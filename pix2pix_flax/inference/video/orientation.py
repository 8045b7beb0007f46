"""How a video frame has to be turned to be upright."""

import av
import numpy as np


def display_matrix(frame: av.VideoFrame) -> np.ndarray:
    """Returns [[a, b], [c, d]]: a pixel (x, y) is shown at (ax + cy, bx + dy).

    Telephones store frames as the sensor sees them, beside this matrix, which players apply. It is
    the identity where a file holds none.
    """
    try:
        data = frame.side_data["DISPLAYMATRIX"]
    except KeyError:
        return np.eye(2)
    return np.frombuffer(data, np.int32).reshape(3, 3)[:2, :2].astype(np.float64)


def is_transposed(matrix: np.ndarray) -> bool:
    """Returns whether the matrix turns height into width; angles are rounded to quarter turns."""
    return bool(abs(matrix[0, 1]) > abs(matrix[0, 0]))


def turn(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Returns a view of an image [H, W, C], turned by quarters and mirrored as the matrix asks."""
    if is_transposed(matrix):
        image, flip_x, flip_y = image.swapaxes(0, 1), matrix[1, 0] < 0, matrix[0, 1] < 0
    else:
        flip_x, flip_y = matrix[0, 0] < 0, matrix[1, 1] < 0
    return image[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
