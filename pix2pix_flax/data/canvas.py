"""From pictures of any size to the one size that a batch needs."""

import cv2
import numpy as np

MODES = ("crop", "resize")
Example = dict[str, np.ndarray]


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns uint8 [H, W, C] resized to [height, width, C], antialiased where it shrinks."""
    if image.shape[:2] == (height, width):
        return image
    shrinks = height * width < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized = cv2.resize(image, (width, height), interpolation=interpolation)
    return resized.reshape(height, width, image.shape[2])  # cv2 drops an axis of one channel


def _crop(example: Example, size: int, rng: np.random.Generator) -> Example:
    height, width = next(iter(example.values())).shape[:2]
    scale = max(1.0, size / min(height, width))
    if scale > 1.0:
        height, width = max(size, round(height * scale)), max(size, round(width * scale))
        example = {name: resize(image, height, width) for name, image in example.items()}
    top, left = rng.integers(height - size + 1), rng.integers(width - size + 1)
    return {name: image[top : top + size, left : left + size] for name, image in example.items()}


def to_canvas(example: Example, size: int, mode: str, rng: np.random.Generator) -> Example:
    """Returns the example's images cut to [size, size, C], all in the same way.

    Args:
      example: images uint8 [H, W, C] of one height and width.
      size: side of the canvas in pixels.
      mode: `crop` takes a random square and keeps the pixel scale (a picture that is smaller is
        enlarged first); `resize` squeezes the whole picture into the square (Isola et al.).
      rng: draws the place of the crop.
    """
    if mode == "resize":
        return {name: resize(image, size, size) for name, image in example.items()}
    return _crop(example, size, rng)
