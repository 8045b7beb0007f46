"""Colours of a reference picture as hints for another picture, by places that look alike.

Both pictures are cut into cells, and each cell is described by its lightness alone: feature maps of
VGG16, as in deep exemplar-based colourisation (He et al. 2018, arXiv:1807.06587, section 3.1). Two
cells belong together if each is the other one's nearest ("best buddies", Dekel et al., CVPR 2015).
Such cells are few and scattered; the network spreads their colours.
"""

from typing import NamedTuple

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax.models.frozen.lpips import features
from pix2pix_flax.models.frozen.weights import load_lpips_weights

_SHORT_SIDE = 256  # of a picture that is described
_CELL = 8  # side of a cell in the described picture, in pixels
_MULTIPLE = 32  # of the sides of a described picture, so that VGG16 meets few sizes
_LONGEST = 3  # long side over short side; a longer strip is squeezed
_HINT = 0.75  # side of a hint over the side of its cell
_MAPS = slice(2, 5)  # relu3_3, relu4_3 and relu5_3
_ALIKE = 0.5  # least likeness of two cells


class _Cells(NamedTuple):
    """A described picture: `maps` are float32 [rows * columns, C] each, centred later."""

    maps: list[np.ndarray]
    lightness: np.ndarray  # [rows * columns] in [0, 1]
    rows: int
    columns: int


class Reference:
    """Returns hints for images from one reference picture.

    Args:
      picture: the reference, uint8 RGB [H, W, 3].

    Raises:
      WeightsMissingError: the extra `lpips` is not installed.
    """

    def __init__(self, picture: np.ndarray):
        self._weights = load_lpips_weights("vgg16")
        self._cells = self._describe(picture)
        size = (self._cells.columns, self._cells.rows)
        self._colours = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).reshape(-1, 3)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Returns hints, uint8 RGBA [B, H, W, 4], for images, uint8 RGB [B, H, W, 3]."""
        return np.stack([self._hints(image) for image in images])

    def _hints(self, image: np.ndarray) -> np.ndarray:
        cells = self._describe(image)
        hints = np.zeros((*image.shape[:2], 4), np.uint8)
        steps = image.shape[0] / cells.rows, image.shape[1] / cells.columns
        for own, other in _pairs(cells, self._cells):
            middle = (own // cells.columns + 0.5) * steps[0], (own % cells.columns + 0.5) * steps[1]
            rows, columns = (
                slice(round(at - step * _HINT / 2), max(round(at + step * _HINT / 2), int(at) + 1))
                for at, step in zip(middle, steps, strict=True)
            )
            hints[rows, columns] = (*self._colours[other], 255)
        return hints

    def _describe(self, image: np.ndarray) -> _Cells:
        sides = image.shape[:2]
        scale = _SHORT_SIDE / min(sides)
        height, width = (
            round(min(side * scale, _LONGEST * _SHORT_SIDE) / _MULTIPLE) * _MULTIPLE
            for side in sides
        )
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (width, height), None, 0, 0, way)
        levels = np.repeat(grey[None, ..., None], 3, axis=-1) / np.float32(127.5) - 1
        rows, columns = height // _CELL, width // _CELL
        maps = _features(self._weights, levels)[_MAPS]
        lightness = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA) / 255
        cells = [_in_cells(np.asarray(found[0]), rows, columns) for found in maps]
        return _Cells(cells, np.float32(lightness).ravel(), rows, columns)


@jax.jit
def _features(weights, images: jax.Array) -> tuple[jax.Array, ...]:
    return features(weights, jnp.asarray(images), net="vgg16")


def _in_cells(found: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Returns a feature map [H, W, C] in the grid of cells, [rows * columns, C] of length one."""
    way = cv2.INTER_AREA if len(found) > rows else cv2.INTER_LINEAR
    # OpenCV resizes at most four channels at once in some modes, so each block goes alone.
    blocks = np.split(_unit(found), found.shape[-1] // 4, axis=-1)
    resized = [cv2.resize(block, (columns, rows), interpolation=way) for block in blocks]
    return np.concatenate(resized, axis=-1).reshape(rows * columns, -1)


def _unit(x: np.ndarray) -> np.ndarray:
    return x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-8)


def _pairs(own: _Cells, other: _Cells) -> list[tuple[int, int]]:
    """Returns the cells of two pictures that belong together."""
    likeness = -np.abs(own.lightness[:, None] - other.lightness)
    for ours, theirs in zip(own.maps, other.maps, strict=True):
        mean = np.concatenate([ours, theirs]).mean(axis=0)  # tells no cell from another
        likeness += _unit(ours - mean) @ _unit(theirs - mean).T / len(own.maps)
    nearest, back = likeness.argmax(axis=1), likeness.argmax(axis=0)
    cells = np.arange(len(nearest))
    found = (back[nearest] == cells) & (likeness[cells, nearest] > _ALIKE)
    return [(int(cell), int(nearest[cell])) for cell in cells[found]]
