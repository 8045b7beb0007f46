"""Recipe for pairs of a photograph and its cartoon."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import MIN_SIDE
from cartoon_tfds.images.png import encode_fast_png
from cartoon_tfds.recipes.base import (
    Example,
    Features,
    Recipe,
    check_shape,
    picture_feature,
    provenance,
    provenance_features,
)
from cartoon_tfds.recipes.views import View, cut_view, draw_views
from cartoon_tfds.sources.base import Photo
from cartoon_tfds.styles import STYLES, cartoonize


@dataclasses.dataclass(frozen=True)
class Cartoons(Recipe):
    """Pairs of a view of a photograph and its cartoon.

    A view is first resized and then stylised, always with the same line width. So the lines of all
    pairs are equally wide, which a convolutional network can learn.

    Attributes:
      style: a name in `cartoon_tfds.styles.STYLES`, or several with commas, which the views take in
        turn.
      strength: strength of the style, 0 (the photograph) to 1.
      line_width: width of the lines in pixels of a view.
      views_per_photo: number of views, the whole photograph and squares; `Photo.weight` multiplies
        it.
      view_size: short side of a view, in pixels.
    """

    style: str = "ink"
    strength: float = 1.0
    line_width: float = 2.0
    views_per_photo: int = 64
    view_size: int = 256

    input_and_target: ClassVar = ("photo", "cartoon")

    def __post_init__(self):
        if self.views_per_photo < 1:
            raise UserError(f"views_per_photo must be at least 1, got {self.views_per_photo}")
        if self.view_size < MIN_SIDE:
            raise UserError(f"view_size must be at least {MIN_SIDE}, got {self.view_size}")
        # Checks the other three fields now, before any photograph is read.
        blank = np.zeros((MIN_SIDE, MIN_SIDE, 3), np.uint8)
        for style in self.styles:
            self.draw(blank, style)

    @property
    def styles(self) -> tuple[str, ...]:
        """The names of the styles in `style`."""
        return tuple(self.style.split(","))

    def draw(self, photo: np.ndarray, style: str) -> np.ndarray:
        """Draws a picture in one of the styles, RGB uint8 `[H, W, 3]`."""
        return cartoonize(photo, style, strength=self.strength, line_width=self.line_width)

    def num_examples(self, photo: Photo) -> int:
        """Returns the number of views that are cut out of a photograph."""
        return self.views_per_photo * photo.weight

    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of a pair."""
        corner_and_size = "Left, top, width and height in the upright photograph, in pixels."
        return {
            "photo": picture_feature("A view of a photograph, RGB."),
            "cartoon": picture_feature("Cartoon of the view, of the same height and width, RGB."),
            **provenance_features(),
            "view": tfds.features.Tensor(shape=(4,), dtype=np.int32, doc=corner_and_size),
            "style": tfds.features.Text(doc="Style of the cartoon."),
            "strength": tfds.features.Scalar(np.float32, doc="Strength of the style, 0 to 1."),
            "style_version": tfds.features.Scalar(np.int32, doc="Version of the style's code."),
        }

    def read(self, photo: Photo) -> np.ndarray:
        """Returns the photograph (see `Recipe.read`)."""
        return check_shape(super().read(photo), self.view_size, photo)

    def make(self, photo: Photo, part: int) -> list[Example]:
        """Makes the pairs of one part (see `Recipe.make`)."""
        pixels = self.read(photo)
        views = draw_views(
            photo.sha256,
            *pixels.shape[:2],
            num_views=self.num_examples(photo),
            view_size=self.view_size,
        )
        start = part * self.examples_per_part
        numbers = range(start, min(start + self.examples_per_part, len(views)))
        return [
            (f"{photo.sha256}-{number}", self._pair(photo, pixels, views[number], number))
            for number in numbers
        ]

    def training(self) -> str:
        """Returns the configuration for a first training (see `Recipe.training`)."""
        if len(self.styles) > 1:
            return "styles"
        return "demo" if self.style == "ink" else f"demo:{self.style}"

    def describe(self) -> dict[str, Any]:
        """Returns, as plain data, every value that the pairs depend on."""
        versions = {style: STYLES[style].version for style in self.styles}
        version = versions if len(self.styles) > 1 else versions[self.style]
        return {**super().describe(), "style_version": version}

    def _pair(self, photo: Photo, pixels: np.ndarray, view: View, number: int) -> Features:
        cut, style = cut_view(pixels, view), self._style_of(photo, number)
        return {
            "photo": encode_fast_png(cut),
            "cartoon": encode_fast_png(self.draw(cut, style)),
            **provenance(photo),
            "view": [view.left, view.top, view.width, view.height],
            "style": style,
            "strength": self.strength,
            "style_version": STYLES[style].version,
        }

    def _style_of(self, photo: Photo, number: int) -> str:
        """Returns the style of a view; which style comes first depends on the photograph's hash."""
        return self.styles[(int(photo.sha256[:8], 16) + number) % len(self.styles)]
