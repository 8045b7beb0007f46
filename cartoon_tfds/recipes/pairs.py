"""Recipe for ready-made pairs of an input and a target."""

import dataclasses
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from cartoon_tfds.images import ImageError, read_picture
from cartoon_tfds.images.png import encode_fast_png
from cartoon_tfds.recipes.base import (
    Example,
    Recipe,
    picture_feature,
    provenance,
    provenance_features,
)
from cartoon_tfds.sources.base import Photo


@dataclasses.dataclass(frozen=True)
class ReadyPairs(Recipe):
    """Pairs of an input and a target, from two files or side by side in one file."""

    input_and_target: ClassVar = ("input", "target")

    def features(self) -> dict[str, tfds.features.FeatureConnector]:
        """Returns the features of a pair."""
        return {
            "input": picture_feature("Input of the network, RGB."),
            "target": picture_feature("Target of the network, of the same height and width, RGB."),
            **provenance_features(),
        }

    def training(self) -> str:
        """Returns the configuration for a first training (see `Recipe.training`)."""
        return "demo:pairs"

    def read(self, photo: Photo) -> np.ndarray:
        """Returns the input after decoding input and target (see `Recipe.read`)."""
        return _halves(photo)[0]

    def make(self, photo: Photo, part: int) -> list[Example]:
        """Makes the pair (see `Recipe.make`)."""
        del part
        first, second = _halves(photo)
        pictures = {"input": encode_fast_png(first), "target": encode_fast_png(second)}
        return [(photo.sha256, pictures | provenance(photo))]


def _halves(photo: Photo) -> tuple[np.ndarray, np.ndarray]:
    """Returns input and target, RGB uint8 `[H, W, 3]`, both of the same shape."""
    picture = _read(photo.data, photo.photo_id)
    height, width = picture.shape[:2]
    if photo.target is None:
        if width % 2:
            cause = f"{width} pixels wide, but two equal halves need an even width"
            raise ImageError(f"{photo.photo_id}: {cause}")
        return picture[:, : width // 2], picture[:, width // 2 :]
    target = _read(photo.target, f"{photo.photo_id} (target)")
    if target.shape != picture.shape:
        raise ImageError(
            f"{photo.photo_id}: the input is {width}x{height} pixels,"
            f" the target {target.shape[1]}x{target.shape[0]}"
        )
    return picture, target


def _read(data: bytes, name: str) -> np.ndarray:
    """Reads one picture; a palette keeps its colours under transparency, where classes may lie."""
    picture = read_picture(data, name)
    return picture.rgb if picture.has_palette else picture.over_white()
