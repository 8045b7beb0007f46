"""Recipe that cuts comic pages into panels along the gutters between them."""

import dataclasses
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from cartoon_tfds.images import ImageError, read_image
from cartoon_tfds.recipes.base import Example, check_shape
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.base import Photo

MIN_PANEL = 96
"""Panels narrower or lower than this many pixels are left out: logos, signatures, captions."""

_TOLERANCE = 24  # levels from black or white, which JPEG files never hold exactly
_THINNEST = 1 / 250  # of the page's short side; thinner gaps are lines of a drawing


class Panel(NamedTuple):
    """A rectangle of a page, in pixels of the page."""

    left: int
    top: int
    width: int
    height: int


def find_panels(page: np.ndarray) -> list[Panel]:
    """Finds the panels of a page, in reading order: by rows, from left to right.

    The page is cut along straight gutters in the colour of its paper, alternately across and down,
    until no gutter is left: the recursive X-Y cut (Nagy, Seth and Viswanathan, "A prototype
    document image analysis system for technical journals", 1992). Panels stay together if they
    touch, share a speech balloon or have a slanting gutter between them. A page without gutters is
    one panel.

    Args:
      page: uint8 `[H, W, 3]`. The paper is black if the border of the page is black, else white.

    Returns:
      Panels of at least `MIN_PANEL` pixels in width and height, without the paper around them.
    """
    paper = _paper(page)
    thinnest = max(2, round(min(page.shape[:2]) * _THINNEST))
    found = _cut(paper, Panel(0, 0, page.shape[1], page.shape[0]), thinnest)
    return [panel for panel in found if min(panel.width, panel.height) >= MIN_PANEL]


def cut_panel(page: np.ndarray, panel: Panel) -> np.ndarray:
    """Returns the pixels of a panel, uint8 `[height, width, 3]`, contiguous."""
    rows = slice(panel.top, panel.top + panel.height)
    return page[rows, panel.left : panel.left + panel.width].copy()


def _paper(page: np.ndarray) -> np.ndarray:
    """Returns a mask of the pixels in the colour of the paper, bool `[H, W]`."""
    border = np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]])
    if np.median(border.max(-1)) <= _TOLERANCE:
        return page.max(-1) <= _TOLERANCE
    return page.min(-1) >= 255 - _TOLERANCE


def _cut(paper: np.ndarray, box: Panel, thinnest: int) -> list[Panel]:
    """Returns the panels inside a box of a page."""
    left, top, width, height = box
    inside = paper[top : top + height, left : left + width]
    rows = [Panel(left, top + y, width, n) for y, n in _pieces(inside.all(1), thinnest)]
    columns = [Panel(left + x, top, n, height) for x, n in _pieces(inside.all(0), thinnest)]
    for pieces in (rows, columns):
        if pieces != [box]:
            return [panel for piece in pieces for panel in _cut(paper, piece, thinnest)]
    return [box]


def _pieces(empty: np.ndarray, thinnest: int) -> list[tuple[int, int]]:
    """Returns the stretches of an axis that are not only paper: their starts and lengths.

    A speck of dust in a gutter is a stretch as well, but it is too small for a panel.

    Args:
      empty: bool `[N]`, true for lines of pixels that are paper from end to end. If a few other
        pixels were allowed, the white sky between the frame lines of a panel would be a gutter.
      thinnest: the smallest number of paper lines that separates two stretches.
    """
    (drawn,) = np.nonzero(~empty)
    if not drawn.size:
        return []
    parted = np.flatnonzero(np.diff(drawn) > thinnest)
    starts, stops = drawn[np.r_[0, parted + 1]], drawn[np.r_[parted, -1]] + 1
    return [(int(start), int(stop - start)) for start, stop in zip(starts, stops, strict=True)]


@dataclasses.dataclass(frozen=True)
class Panels(Pictures):
    """The panels of comic pages, resized to the short side `size`; a page is in one split."""

    def num_examples(self, photo: Photo) -> int:
        """Returns the number of panels on a page.

        Raises:
          ImageError: if `read` raises it.
        """
        return len(find_panels(self.read(photo)))

    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of a panel."""
        corner_and_size = "Left, top, width and height in the upright page, in pixels."
        panel = tfds.features.Tensor(shape=(4,), dtype=np.int32, doc=corner_and_size)
        return {**super().features(), "panel": panel}

    def read(self, photo: Photo) -> np.ndarray:
        """Returns the page after a check of its panels (see `Recipe.read`)."""
        page = read_image(photo.data, photo.photo_id)
        panels = find_panels(page)
        if not panels:
            least = f"{MIN_PANEL}x{MIN_PANEL} pixels"
            raise ImageError(f"{photo.photo_id}: no panel of at least {least}")
        for panel in panels:
            check_shape(cut_panel(page, panel), self.size, photo)
        return page

    def make(self, photo: Photo, part: int) -> list[Example]:
        """Makes the panels of one part (see `Recipe.make`)."""
        page = self.read(photo)
        panels = list(enumerate(find_panels(page)))
        start = part * self.examples_per_part
        return [
            (
                f"{photo.sha256}-{number}",
                {**self._picture(cut_panel(page, panel), photo), "panel": list(panel)},
            )
            for number, panel in panels[start : start + self.examples_per_part]
        ]
