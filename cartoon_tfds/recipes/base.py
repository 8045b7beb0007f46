"""What becomes of a photograph: pairs with its cartoons, a ready-made pair, or just a picture."""

import abc
import dataclasses
import math
from typing import Any, ClassVar

import cv2
import numpy as np
import tensorflow_datasets as tfds

from cartoon_tfds.images import ImageError, read_image
from cartoon_tfds.images.png import encode_fast_png
from cartoon_tfds.recipes.comics import MIN_PANEL, cut_panel, find_panels
from cartoon_tfds.sources.base import Photo
from cartoon_tfds.styles import MAX_SIDE

Features = dict[str, Any]
# A key, unique in the dataset, and the features; pictures are the bytes of PNG files, since TFDS
# would encode arrays with TensorFlow.
Example = tuple[str, Features]


@dataclasses.dataclass(frozen=True)
class Recipe(abc.ABC):
    """Makes examples of a photograph, in parts that can be made apart from each other.

    Plain data: it can be pickled, and its fields are what a manifest records.
    """

    # The two features that a network learns to turn one into the other, if there are such.
    input_and_target: ClassVar[tuple[str, str] | None] = None
    # Less than a second of work.
    examples_per_part: ClassVar[int] = 8

    def num_examples(self, photo: Photo) -> int:
        """Returns how many examples are made of a photograph."""
        del photo
        return 1

    def num_parts(self, photo: Photo) -> int:
        """Returns how many parts a photograph's examples are made in."""
        return math.ceil(self.num_examples(photo) / self.examples_per_part)

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
class ReadyPairs(Recipe):
    """Ready-made pairs: an input and a target, from two files or side by side in one."""

    input_and_target: ClassVar = ("input", "target")

    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of a pair."""
        return {
            "input": picture_feature("What a network is given, RGB."),
            "target": picture_feature("What it shall make of it, of the same size, RGB."),
            **provenance_features(),
        }

    def read(self, photo: Photo) -> np.ndarray:
        """Returns the input, having decoded both (see `Recipe.read`)."""
        return _halves(photo)[0]

    def make(self, photo: Photo, part: int) -> list[Example]:
        """Returns the pair."""
        del part
        first, second = _halves(photo)
        pictures = {"input": encode_fast_png(first), "target": encode_fast_png(second)}
        return [(photo.sha256, pictures | provenance(photo))]


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
        return {"image": picture_feature("A picture, RGB."), **provenance_features()}

    def read(self, photo: Photo) -> np.ndarray:
        """Returns the picture (see `Recipe.read`)."""
        return check_shape(super().read(photo), self.size, photo)

    def make(self, photo: Photo, part: int) -> list[Example]:
        """Returns the picture."""
        del part
        return [(photo.sha256, self._picture(self.read(photo), photo))]

    def _picture(self, image: np.ndarray, photo: Photo) -> Features:
        if self.size:
            scale = self.size / min(image.shape[:2])
            width, height = (round(side * scale) for side in image.shape[1::-1])
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            image = cv2.resize(image, (width, height), interpolation=method)
        return {"image": encode_fast_png(image), **provenance(photo)}


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


def check_shape(pixels: np.ndarray, short_side: int, photo: Photo) -> np.ndarray:
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


def picture_feature(doc: str) -> tfds.features.Image:
    """Returns the feature of an RGB picture of any size, stored as PNG."""
    return tfds.features.Image(
        shape=(None, None, 3), dtype=np.uint8, encoding_format="png", doc=doc
    )


def provenance_features() -> dict[str, tfds.features.FeatureConnector]:
    """Returns the features that say where an example comes from."""
    return {
        "id": tfds.features.Text(doc="The photograph; many views share it."),
        "source": tfds.features.Text(doc="Package and file, URL and member, or file."),
        "license": tfds.features.Text(doc="Of the photograph."),
        "theme": tfds.features.Text(doc="What the photograph shows, in one word, or empty."),
        "sha256": tfds.features.Text(doc="Of the photograph's file, in hexadecimal digits."),
    }


def provenance(photo: Photo) -> dict[str, str]:
    """Returns the values of `_provenance_features`."""
    return {
        "id": photo.photo_id,
        "source": photo.source,
        "license": photo.license,
        "theme": photo.theme,
        "sha256": photo.sha256,
    }
