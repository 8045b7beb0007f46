"""Single pictures."""

import dataclasses

import cv2
import numpy as np
import tensorflow_datasets as tfds

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
