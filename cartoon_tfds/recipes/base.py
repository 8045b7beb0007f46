"""What becomes of a photograph: pairs with its cartoons, a ready-made pair, or just a picture."""

import abc
import dataclasses
import math
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from cartoon_tfds.images import ImageError, read_image
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


def check_shape(pixels: np.ndarray, short_side: int, photo: Photo) -> np.ndarray:
    """Returns the picture; raises ImageError if it would be too long at a short side."""
    height, width = pixels.shape[:2]
    if max(height, width) * short_side > MAX_SIDE * min(height, width):
        raise ImageError(f"{photo.photo_id}: {width}x{height} is too long for its width")
    return pixels


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
