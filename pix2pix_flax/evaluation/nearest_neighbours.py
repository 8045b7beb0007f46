"""The training images nearest to generated images: does a network repeat its training images?"""

from typing import NamedTuple

import numpy as np

from pix2pix_flax.data.pipeline import eval_batches
from pix2pix_flax.data.source import DatasetError, share_examples
from pix2pix_flax.evaluation.real_sets import SplitFeatures, features_of, split_features
from pix2pix_flax.image.sheet import beside, grid, stack
from pix2pix_flax.metrics.feature_sets import SetsError
from pix2pix_flax.typing import PyTree

SHOWN_NEIGHBOURS = 5
"""Number of training images shown for each generated image."""

_UNSEEN = 500  # largest number of images of the validation split
_GAP = 12  # pixels between a generated image and its nearest images
_SIDE = 64  # smaller images are enlarged


class Neighbours(NamedTuple):
    """The nearest training images of N images.

    Attributes:
      distances: cosine distances of pooled features, ascending, [N, k], from 0 to 1.
      places: places of the nearest images in the training split, int [N, k].
      unseen: the smallest distance of each image of the validation split, [M].
    """

    distances: np.ndarray
    places: np.ndarray
    unseen: np.ndarray


def nearest(queries: np.ndarray, known: SplitFeatures, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the cosine distances of the nearest known images, ascending, and their places.

    Args:
      queries: features [N, D]; no row is 0.
      known: features of M images.
      count: number of nearest images, k <= M.

    Returns:
      Distances, float [N, k], 0 for features of the same direction; and places, int [N, k].
    """
    distances = 1.0 - _unit(queries) @ _unit(known.features).T
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(distances, order, axis=1), known.places[order]


def _unit(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)  # else an exact copy is not at 0
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def find_neighbours(images: np.ndarray, config, vgg16: PyTree) -> Neighbours:
    """Returns the nearest training images of images, and as a measure those of unseen images.

    Args:
      images: uint8 [N, H, W, 3].
      config: the whole configuration; `sizes.evaluation` is H and W.
      vgg16: the weights of VGG16; see `pooled_features`.

    Raises:
      DatasetError: the dataset or a split is missing, or training and validation share examples.
      SetsError: the images of the dataset have another size.
    """
    data = config.data
    train, unseen = data.train_split, data.validation_split
    if share_examples(data.name, (train, unseen), data.data_dir):
        raise DatasetError(f"Splits {train!r} and {unseen!r} of {data.name!r} share examples.")
    sample = next(eval_batches(config, split=train, batch_size=1)).images["target"]
    if sample.shape[1:] != images.shape[1:]:
        height, width = sample.shape[1:3]
        raise SetsError(
            f"Images of {images.shape[2]}x{images.shape[1]} do not compare with the images of "
            f"{width}x{height} in {data.name!r}."
        )
    known = split_features(config, train, vgg16)
    others = split_features(config, unseen, vgg16, limit=_UNSEEN).features
    distances, places = nearest(features_of(images, vgg16), known, SHOWN_NEIGHBOURS)
    return Neighbours(distances, places, nearest(others, known, 1)[0][:, 0])


def draw_neighbours(images: np.ndarray, found: Neighbours, config) -> np.ndarray:
    """Returns rows of an image and its nearest training images, nearest first, uint8 [H', W', 3].

    Args:
      images: uint8 [N, H, W, 3].
      found: the nearest training images of these images.
      config: the whole configuration.
    """
    wanted = sorted(set(found.places.flat))
    batches = eval_batches(config, split=config.data.train_split, batch_size=1, places=wanted)
    pictures = dict(zip(wanted, (batch.images["target"][0] for batch in batches), strict=True))
    return stack(
        [
            beside(
                [_large(image), grid(np.stack([_large(pictures[p]) for p in places]), len(places))],
                _GAP,
            )
            for image, places in zip(images, found.places, strict=True)
        ]
    )


def _large(image: np.ndarray) -> np.ndarray:
    factor = -(-_SIDE // image.shape[0])
    return image.repeat(factor, axis=0).repeat(factor, axis=1)
