"""Recipe for single pictures."""

import dataclasses

import numpy as np
import tensorflow_datasets as tfds

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import resize
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
from cartoon_tfds.sources.base import Photo


@dataclasses.dataclass(frozen=True)
class Pictures(Recipe):
    """Single pictures, resized if `size` is set.

    Attributes:
      size: short side of the resized pictures in pixels; 0 keeps the size of the files.
    """

    size: int = 0

    def __post_init__(self):
        if self.size < 0:
            raise UserError(f"size must not be negative, got {self.size}")

    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of a picture."""
        return {"image": picture_feature("A picture, RGB."), **provenance_features()}

    def read(self, photo: Photo) -> np.ndarray:
        """Returns the picture (see `Recipe.read`)."""
        return check_shape(super().read(photo), self.size, photo)

    def make(self, photo: Photo, part: int) -> list[Example]:
        """Makes the one example of a picture (see `Recipe.make`)."""
        del part
        return [(photo.sha256, self._picture(self.read(photo), photo))]

    def _picture(self, image: np.ndarray, photo: Photo) -> Features:
        if self.size:
            scale = self.size / min(image.shape[:2])
            height, width = (round(side * scale) for side in image.shape[:2])
            image = resize(image, height, width)
        return {"image": encode_fast_png(image), **provenance(photo)}
