"""Panels of comic pages, by the gutters between them."""

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

_TOLERANCE = 24  # levels off black or white, which JPEG files never hold exactly
_THINNEST = 1 / 250  # of the page's shorter side: gutters that are thinner are lines of a drawing


class Panel(NamedTuple):
    """A rectangle of a page, in its pixels."""

    left: int
    top: int
    width: int
    height: int


def find_panels(page: np.ndarray) -> list[Panel]:
    """Returns the panels of a page in the order of reading: by rows, from the left.

    The page is cut along straight gutters of its paper's colour, across and down in turns, until
    none is left: the recursive X-Y cut (Nagy, Seth and Viswanathan, "A prototype document image
    analysis system for technical journals", 1992). Panels that touch, or that are joined by a
    balloon or by a slanting gutter, stay together; a page without gutters is one panel.

    Args:
      page: uint8 `[H, W, 3]`, on white paper, or on black where its border is black.

    Returns:
      Panels of `MIN_PANEL` or more each way, without the paper around them.
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
    """Returns where a page is as light, or on black paper as dark, as paper, bool `[H, W]`."""
    border = np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]])
    if np.median(border.max(-1)) <= _TOLERANCE:
        return page.max(-1) <= _TOLERANCE
    return page.min(-1) >= 255 - _TOLERANCE


def _cut(paper: np.ndarray, box: Panel, thinnest: int) -> list[Panel]:
    """Returns the panels in a part of a page."""
    left, top, width, height = box
    inside = paper[top : top + height, left : left + width]
    rows = [Panel(left, top + y, width, n) for y, n in _pieces(inside.all(1), thinnest)]
    columns = [Panel(left + x, top, n, height) for x, n in _pieces(inside.all(0), thinnest)]
    for pieces in (rows, columns):
        if pieces != [box]:
            return [panel for piece in pieces for panel in _cut(paper, piece, thinnest)]
    return [box]


def _pieces(empty: np.ndarray, thinnest: int) -> list[tuple[int, int]]:
    """Returns where there is more than paper along an axis: beginnings and lengths.

    A speck of dust in a gutter is a piece as well, and too small for a panel.

    Args:
      empty: which lines of pixels are paper from end to end. With a few pixels less, the white sky
        of a panel between the lines of its frame would be a gutter.
      thinnest: fewer lines of paper than this do not part what is on both sides.
    """
    (drawn,) = np.nonzero(~empty)
    if not drawn.size:
        return []
    parted = np.flatnonzero(np.diff(drawn) > thinnest)
    starts, stops = drawn[np.r_[0, parted + 1]], drawn[np.r_[parted, -1]] + 1
    return [(int(start), int(stop - start)) for start, stop in zip(starts, stops, strict=True)]


@dataclasses.dataclass(frozen=True)
class Panels(Pictures):
    """The panels of comic pages; `size` is that of a panel. All of a page are in one split."""

    def num_examples(self, photo: Photo) -> int:
        """Returns how many panels a page has.

        Raises:
          ImageError: if `read` does.
        """
        return len(find_panels(self.read(photo)))

    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of a panel."""
        corner_and_size = "Left, top, width, height in the upright page, in pixels."
        panel = tfds.features.Tensor(shape=(4,), dtype=np.int32, doc=corner_and_size)
        return {**super().features(), "panel": panel}

    def read(self, photo: Photo) -> np.ndarray:
        """Returns the page (see `Recipe.read`), having checked its panels."""
        page = read_image(photo.data, photo.photo_id)
        panels = find_panels(page)
        if not panels:
            raise ImageError(f"{photo.photo_id}: no panel of {MIN_PANEL}x{MIN_PANEL} pixels in it")
        for panel in panels:
            check_shape(cut_panel(page, panel), self.size, photo)
        return page

    def make(self, photo: Photo, part: int) -> list[Example]:
        """Returns a few of the panels (see `Recipe.make`)."""
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
