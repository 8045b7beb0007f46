"""Base class of the recipes, which make examples from photographs.

The examples are pairs of a photograph and its cartoon, ready-made pairs, or single pictures.
"""

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
# A key that is unique in the dataset, and the features. Pictures are the bytes of PNG files,
# because TFDS would encode arrays with TensorFlow.
Example = tuple[str, Features]


@dataclasses.dataclass(frozen=True)
class Recipe(abc.ABC):
    """Makes the examples of a photograph in parts that do not depend on each other.

    A recipe is plain data: it can be pickled, and the manifest of a dataset records its fields.
    """

    # Names of the input and the target feature for a network; None if the examples are no pairs.
    input_and_target: ClassVar[tuple[str, str] | None] = None
    # Small enough that a part takes less than a second.
    examples_per_part: ClassVar[int] = 8

    def num_examples(self, photo: Photo) -> int:
        """Returns the number of examples of a photograph."""
        del photo
        return 1

    def num_parts(self, num_examples: int) -> int:
        """Returns the number of parts that hold the examples of one photograph."""
        return math.ceil(num_examples / self.examples_per_part)

    @abc.abstractmethod
    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of an example."""

    @abc.abstractmethod
    def make(self, photo: Photo, part: int) -> list[Example]:
        """Makes the examples of one part, 0 <= part < num_parts; equal arguments, equal examples.

        Raises:
          ImageError: if `read` raises it.
        """

    def read(self, photo: Photo) -> np.ndarray:
        """Decodes all files of a photograph; returns the picture that is compared to find copies.

        Returns:
          RGB uint8 `[H, W, 3]`.

        Raises:
          ImageError: if no examples can be made of the photograph.
        """
        return read_image(photo.data, photo.photo_id)

    def training(self) -> str | None:
        """Returns the configuration for a first training on the examples; None: it depends."""
        return None

    def describe(self) -> dict[str, Any]:
        """Returns, as plain data, every value that the examples depend on."""
        return {"kind": type(self).__name__, **dataclasses.asdict(self)}


def check_shape(pixels: np.ndarray, short_side: int, photo: Photo) -> np.ndarray:
    """Returns `pixels`; raises ImageError if at `short_side` the long side exceeds `MAX_SIDE`."""
    height, width = pixels.shape[:2]
    if max(height, width) * short_side > MAX_SIDE * min(height, width):
        cause = f"{width}x{height} is too long for a short side of {short_side} pixels"
        raise ImageError(f"{photo.photo_id}: {cause}")
    return pixels


def picture_feature(doc: str) -> tfds.features.Image:
    """Returns the feature of an RGB picture of any size, stored as PNG."""
    return tfds.features.Image(
        shape=(None, None, 3), dtype=np.uint8, encoding_format="png", doc=doc
    )


def provenance_features() -> dict[str, tfds.features.FeatureConnector]:
    """Returns the features that record the origin of an example."""
    return {
        "id": tfds.features.Text(doc="Name of the photograph; all of its examples share it."),
        "source": tfds.features.Text(doc="Origin: package and file, URL and member, or file."),
        "license": tfds.features.Text(doc="Licence of the photograph."),
        "theme": tfds.features.Text(doc="Subject of the photograph in one word, or empty."),
        "sha256": tfds.features.Text(doc="SHA-256 of the photograph's file, in hexadecimal."),
    }


def provenance(photo: Photo) -> dict[str, str]:
    """Returns the values of `provenance_features`."""
    return {
        "id": photo.photo_id,
        "source": photo.source,
        "license": photo.license,
        "theme": photo.theme,
        "sha256": photo.sha256,
    }
