"""From pictures of any size to the one size that a batch needs."""

from collections.abc import Collection

import cv2
import numpy as np

from cartoon_tfds.images import resize as resize_picture

MODES = ("crop", "resize", "scale_width", "none")
Example = dict[str, np.ndarray]


def resize(image: np.ndarray, height: int, width: int, *, is_labels: bool = False) -> np.ndarray:
    """Returns uint8 [H, W, C] resized to [height, width, C], antialiased where it shrinks.

    Of label maps the nearest pixels are taken: between two classes lies no third one.
    """
    if not is_labels or image.shape[:2] == (height, width):
        return resize_picture(image, height, width)
    # The other nearest neighbours of OpenCV shift by up to half a pixel.
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return resized.reshape(height, width, image.shape[2])  # cv2 drops an axis of one channel


def resize_example(example: Example, height: int, width: int, labels: Collection[str]) -> Example:
    """Returns the images resized to [height, width, C]; `labels` names the label maps."""
    return {
        name: resize(image, height, width, is_labels=name in labels)
        for name, image in example.items()
    }


def scale(example: Example, size: int, mode: str, labels: Collection[str]) -> Example:
    """Returns whole images: squeezed to [size, size, C], or in mode `scale_width` to that width."""
    height = size
    if mode == "scale_width":
        height, width = _size(example)
        height = max(1, round(height * size / width))
    return resize_example(example, height, size, labels)


def middle(example: Example, size: int) -> Example:
    """Returns the middle of the images: at most [size, size, C], in the scale of the pixels."""
    top, left = (max(0, side - size) // 2 for side in _size(example))
    return {name: image[top : top + size, left : left + size] for name, image in example.items()}


def to_canvas(
    example: Example,
    size: int,
    mode: str,
    rng: np.random.Generator,
    labels: Collection[str] = (),
) -> Example:
    """Returns the example's images brought to the canvas, all in the same way.

    Args:
      example: images uint8 [H, W, C] of one height and width.
      size: of the canvas in pixels.
      mode: `crop` takes a random square of that side and keeps the pixel scale (a picture that is
        smaller is enlarged first); `resize` squeezes the whole picture into this square (Isola et
        al.); `scale_width` scales it to this width and keeps its shape; `none` leaves it as it is.
      rng: draws the place of the crop.
      labels: names of the images that are label maps, whose pixels are never blended.
    """
    if mode == "none":
        return example
    if mode == "crop":
        return _crop(example, size, rng, labels)
    return scale(example, size, mode, labels)


def _crop(
    example: Example, size: int, rng: np.random.Generator, labels: Collection[str]
) -> Example:
    height, width = _size(example)
    factor = max(1.0, size / min(height, width))
    if factor > 1.0:
        height, width = max(size, round(height * factor)), max(size, round(width * factor))
        example = resize_example(example, height, width, labels)
    top, left = rng.integers(height - size + 1), rng.integers(width - size + 1)
    return {name: image[top : top + size, left : left + size] for name, image in example.items()}


def _size(example: Example) -> tuple[int, int]:
    return next(iter(example.values())).shape[:2]
