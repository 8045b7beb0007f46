"""What becomes of a photograph: pairs with its cartoons, a ready-made pair, or just a picture."""

import abc
import dataclasses
import math
from typing import Any, ClassVar

import cv2
import numpy as np
import tensorflow_datasets as tfds

from cartoon_tfds.fast_png import encode_fast_png
from cartoon_tfds.images import MIN_SIDE, ImageError, read_image
from cartoon_tfds.sources import Photo
from cartoon_tfds.styles import MAX_SIDE, STYLES, cartoonize
from cartoon_tfds.views import View, cut_view, draw_views

Features = dict[str, Any]
# A key, unique in the dataset, and the features; pictures are the bytes of PNG files, since TFDS
# would encode arrays with TensorFlow.
Example = tuple[str, Features]

EXAMPLES_PER_PART = 8  # less than a second of work


@dataclasses.dataclass(frozen=True)
class Recipe(abc.ABC):
    """Makes examples of a photograph, in parts that can be made apart from each other.

    Plain data: it can be pickled, and its fields are what a manifest records.
    """

    # The two features that a network learns to turn one into the other, if there are such.
    input_and_target: ClassVar[tuple[str, str] | None] = None

    def num_examples(self, photo: Photo) -> int:
        """Returns how many examples are made of a photograph."""
        del photo
        return 1

    def num_parts(self, photo: Photo) -> int:
        """Returns how many parts a photograph's examples are made in."""
        return math.ceil(self.num_examples(photo) / EXAMPLES_PER_PART)

    @abc.abstractmethod
    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of an example."""

    @abc.abstractmethod
    def make(self, photo: Photo, part: int) -> list[Example]:
        """Returns the examples of one part, 0 <= part < num_parts, a function of its arguments.

        Raises:
          ImageError: if `read` does.
        """

    def read(self, photo: Photo) -> np.ndarray:
        """Decodes all of a photograph and returns the picture by which copies are found.

        Returns:
          RGB uint8 `[H, W, 3]`.

        Raises:
          ImageError: if no examples can be made of the photograph.
        """
        return read_image(photo.data, photo.photo_id)

    def describe(self) -> dict[str, Any]:
        """Returns as plain values all that the examples depend on."""
        return {"kind": type(self).__name__, **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True)
class Cartoons(Recipe):
    """Pairs of a view of a photograph and its cartoon.

    A view is resized first and stylised then, with one line width for all: the lines of every pair
    are equally wide, whatever part of a photograph it shows. Convolutional networks can learn that.

    Attributes:
      style: a name in `cartoon_tfds.styles.STYLES`.
      strength: of the style, 0 (the photograph) to 1.
      line_width: in pixels of a view.
      views_per_photo: the whole photograph and this many squares less one; times `Photo.weight`.
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
            raise ValueError(f"views_per_photo must be at least 1, got {self.views_per_photo}")
        if self.view_size < MIN_SIDE:
            raise ValueError(f"view_size must be at least {MIN_SIDE}, got {self.view_size}")
        # Raises what is wrong with the other three, before there is a photograph.
        blank = np.zeros((MIN_SIDE, MIN_SIDE, 3), np.uint8)
        cartoonize(blank, self.style, strength=self.strength, line_width=self.line_width)

    def num_examples(self, photo: Photo) -> int:
        """Returns how many views are cut out of a photograph."""
        return self.views_per_photo * photo.weight

    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of a pair."""
        corner_and_size = "Left, top, width, height in the upright photograph, in pixels."
        return {
            "photo": _picture("A view of a photograph, RGB."),
            "cartoon": _picture("Its cartoon, of the same height and width, RGB."),
            **_provenance_features(),
            "view": tfds.features.Tensor(shape=(4,), dtype=np.int32, doc=corner_and_size),
            "style": tfds.features.Text(doc="Of the cartoon."),
            "strength": tfds.features.Scalar(np.float32, doc="Of the style, 0 to 1."),
            "style_version": tfds.features.Scalar(np.int32, doc="Of the style's code."),
        }

    def read(self, photo: Photo) -> np.ndarray:
        """Returns the photograph (see `Recipe.read`)."""
        return _check_shape(super().read(photo), self.view_size, photo)

    def make(self, photo: Photo, part: int) -> list[Example]:
        """Returns a few of the pairs (see `Recipe.make`)."""
        pixels = self.read(photo)
        views = draw_views(
            photo.sha256,
            *pixels.shape[:2],
            num_views=self.num_examples(photo),
            view_size=self.view_size,
        )
        start = part * EXAMPLES_PER_PART
        numbers = range(start, min(start + EXAMPLES_PER_PART, len(views)))
        return [
            (f"{photo.sha256}-{number}", self._pair(photo, pixels, views[number]))
            for number in numbers
        ]

    def describe(self) -> dict[str, Any]:
        """Returns as plain values all that the pairs depend on."""
        return {**super().describe(), "style_version": STYLES[self.style].version}

    def _pair(self, photo: Photo, pixels: np.ndarray, view: View) -> Features:
        cut = cut_view(pixels, view)
        cartoon = cartoonize(cut, self.style, strength=self.strength, line_width=self.line_width)
        return {
            "photo": encode_fast_png(cut),
            "cartoon": encode_fast_png(cartoon),
            **_provenance(photo),
            "view": [view.left, view.top, view.width, view.height],
            "style": self.style,
            "strength": self.strength,
            "style_version": STYLES[self.style].version,
        }


@dataclasses.dataclass(frozen=True)
class ReadyPairs(Recipe):
    """Ready-made pairs: an input and a target, from two files or side by side in one."""

    input_and_target: ClassVar = ("input", "target")

    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of a pair."""
        return {
            "input": _picture("What a network is given, RGB."),
            "target": _picture("What it shall make of it, of the same height and width, RGB."),
            **_provenance_features(),
        }

    def read(self, photo: Photo) -> np.ndarray:
        """Returns the input, having decoded both (see `Recipe.read`)."""
        return _halves(photo)[0]

    def make(self, photo: Photo, part: int) -> list[Example]:
        """Returns the pair."""
        del part
        first, second = _halves(photo)
        pictures = {"input": encode_fast_png(first), "target": encode_fast_png(second)}
        return [(photo.sha256, pictures | _provenance(photo))]


@dataclasses.dataclass(frozen=True)
class Pictures(Recipe):
    """Single pictures.

    Attributes:
      size: short side in pixels, to which pictures are resized; 0 leaves them as they are.
    """

    size: int = 0

    def __post_init__(self):
        if self.size < 0:
            raise ValueError(f"size must not be negative, got {self.size}")

    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of a picture."""
        return {"image": _picture("A picture, RGB."), **_provenance_features()}

    def read(self, photo: Photo) -> np.ndarray:
        """Returns the picture (see `Recipe.read`)."""
        return _check_shape(super().read(photo), self.size, photo)

    def make(self, photo: Photo, part: int) -> list[Example]:
        """Returns the picture."""
        del part
        image = self.read(photo)
        if self.size:
            scale = self.size / min(image.shape[:2])
            width, height = (round(side * scale) for side in image.shape[1::-1])
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            image = cv2.resize(image, (width, height), interpolation=method)
        return [(photo.sha256, {"image": encode_fast_png(image), **_provenance(photo)})]


def _check_shape(pixels: np.ndarray, short_side: int, photo: Photo) -> np.ndarray:
    """Returns the picture; raises ImageError if it would be too long at a short side."""
    height, width = pixels.shape[:2]
    if max(height, width) * short_side > MAX_SIDE * min(height, width):
        raise ImageError(f"{photo.photo_id}: {width}x{height} is too long for its width")
    return pixels


def _halves(photo: Photo) -> tuple[np.ndarray, np.ndarray]:
    """Returns input and target of a ready-made pair, RGB uint8 of one shape."""
    picture = read_image(photo.data, photo.photo_id)
    height, width = picture.shape[:2]
    if photo.target is None:
        if width % 2:
            raise ImageError(f"{photo.photo_id}: {width} pixels wide, which are not two halves")
        return picture[:, : width // 2], picture[:, width // 2 :]
    target = read_image(photo.target, f"{photo.photo_id} (target)")
    if target.shape != picture.shape:
        raise ImageError(
            f"{photo.photo_id}: the input is {width}x{height} pixels,"
            f" the target {target.shape[1]}x{target.shape[0]}"
        )
    return picture, target


def _picture(doc: str) -> tfds.features.Image:
    return tfds.features.Image(
        shape=(None, None, 3), dtype=np.uint8, encoding_format="png", doc=doc
    )


def _provenance_features() -> dict[str, tfds.features.FeatureConnector]:
    """Returns the features that say where an example comes from."""
    return {
        "id": tfds.features.Text(doc="The photograph; many views share it."),
        "source": tfds.features.Text(doc="Package and file, URL and member, or file."),
        "license": tfds.features.Text(doc="Of the photograph."),
        "theme": tfds.features.Text(doc="What the photograph shows, in one word, or empty."),
        "sha256": tfds.features.Text(doc="Of the photograph's file, in hexadecimal digits."),
    }


def _provenance(photo: Photo) -> dict[str, str]:
    """Returns the values of `_provenance_features`."""
    return {
        "id": photo.photo_id,
        "source": photo.source,
        "license": photo.license,
        "theme": photo.theme,
        "sha256": photo.sha256,
    }
