"""Brings images of any size to the canvas, the one size that a batch needs."""

from collections.abc import Collection

import cv2
import numpy as np

from cartoon_tfds.images import resize as resize_picture

MODES = ("crop", "resize", "scale_width", "none")
Example = dict[str, np.ndarray]


def resize(image: np.ndarray, height: int, width: int, *, is_labels: bool = False) -> np.ndarray:
    """Returns `image`, uint8 [H, W, C], resized to [height, width, C]; shrinking is antialiased.

    Label maps take the nearest pixels, because a blend of two class colours is no class.
    """
    if not is_labels or image.shape[:2] == (height, width):
        return resize_picture(image, height, width)
    # INTER_NEAREST would shift the image by up to half a pixel.
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return resized.reshape(height, width, image.shape[2])  # cv2 drops an axis of one channel


def resize_example(example: Example, height: int, width: int, labels: Collection[str]) -> Example:
    """Returns all images resized to [height, width, C]; `labels` names the label maps."""
    return {
        name: resize(image, height, width, is_labels=name in labels)
        for name, image in example.items()
    }


def scale(example: Example, size: int, mode: str, labels: Collection[str]) -> Example:
    """Returns whole images resized to [size, size, C], or in mode `scale_width` to width `size`.

    `scale_width` keeps the aspect ratio.
    """
    height = size
    if mode == "scale_width":
        height, width = _size(example)
        height = max(1, round(height * size / width))
    return resize_example(example, height, size, labels)


def middle(example: Example, size: int) -> Example:
    """Returns the middle of the images without resizing, at most [size, size, C]."""
    top, left = (max(0, side - size) // 2 for side in _size(example))
    return {name: image[top : top + size, left : left + size] for name, image in example.items()}


def to_canvas(
    example: Example,
    size: int,
    mode: str,
    rng: np.random.Generator,
    labels: Collection[str] = (),
) -> Example:
    """Returns the example's images brought to the canvas, all with the same crop or resizing.

    Args:
      example: images uint8 [H, W, C] by name, of the same height and width.
      size: side of the canvas in pixels.
      mode: `crop` cuts a random square of this side without resizing (a smaller image is enlarged
        first); `resize` squeezes the whole image into this square (Isola et al.); `scale_width`
        resizes it to this width and keeps its aspect ratio; `none` keeps it unchanged.
      rng: random generator that draws the position of the crop.
      labels: names of the images that are label maps, whose pixels are never blended.
    """
    return window(fit(example, size, mode, labels), size, mode, rng)


def fit(example: Example, size: int, mode: str, labels: Collection[str] = ()) -> Example:
    """Returns the images in the scale of the canvas: the part of `to_canvas` that draws nothing."""
    if mode == "none":
        return example
    if mode != "crop":
        return scale(example, size, mode, labels)
    height, width = _size(example)
    factor = max(1.0, size / min(height, width))
    if factor == 1.0:
        return example
    height, width = max(size, round(height * factor)), max(size, round(width * factor))
    return resize_example(example, height, width, labels)


def window(example: Example, size: int, mode: str, rng: np.random.Generator) -> Example:
    """Returns the canvas of an example that `fit` has made."""
    if mode != "crop":
        return example
    top, left = draw_corner(*_size(example), size, rng)
    return {name: image[top : top + size, left : left + size] for name, image in example.items()}


def draw_corner(
    height: int, width: int, size: int, rng: np.random.Generator
) -> tuple[np.int64, np.int64]:
    """Returns the row and the column at which a random square of this size begins."""
    return rng.integers(height - size + 1), rng.integers(width - size + 1)


def _size(example: Example) -> tuple[int, int]:
    return next(iter(example.values())).shape[:2]
