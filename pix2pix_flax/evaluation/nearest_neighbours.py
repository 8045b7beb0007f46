"""The training pictures that generated ones are nearest to: whether a network repeats them."""

from typing import NamedTuple

import numpy as np

from pix2pix_flax.data.pipeline import eval_batches
from pix2pix_flax.data.source import DatasetError, share_examples
from pix2pix_flax.evaluation.real_sets import SplitFeatures, features_of, split_features
from pix2pix_flax.image.sheet import beside, grid, stack
from pix2pix_flax.metrics.feature_sets import SetsError
from pix2pix_flax.typing import PyTree

NEAREST = 5
"""How many training pictures stand beside a generated one."""

_UNSEEN = 500  # pictures of the validation split, at most
_GAP = 12  # pixels between a generated picture and its neighbours
_SIDE = 64  # smaller pictures are enlarged


class Neighbours(NamedTuple):
    """Pictures and their nearest ones of the training split.

    Attributes:
      distances: cosine distances of pooled features, ascending, [N, k], from 0 to 1.
      places: of the training pictures in their split, int [N, k].
      unseen: the least distance of each picture of the validation split, [M].
    """

    distances: np.ndarray
    places: np.ndarray
    unseen: np.ndarray


def nearest(queries: np.ndarray, known: SplitFeatures, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the cosine distances of the nearest known pictures, ascending, and their places.

    Args:
      queries: features [N, D], of which no row is 0.
      known: M pictures.
      count: how many of them, k <= M.

    Returns:
      float [N, k], 0 for what points the same way, and int [N, k].
    """
    distances = 1.0 - _unit(queries) @ _unit(known.features).T
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(distances, order, axis=1), known.places[order]


def _unit(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)  # else an exact copy is not at 0
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def find_neighbours(images: np.ndarray, config, vgg16: PyTree) -> Neighbours:
    """Returns the nearest training pictures of images, and how near unseen pictures have theirs.

    Args:
      images: uint8 [N, H, W, 3].
      config: the whole configuration; `sizes.evaluation` is H and W.
      vgg16: see `pooled_features`.

    Raises:
      DatasetError: the dataset or a split is missing, or training and validation share examples.
      SetsError: its pictures have another size.
    """
    data = config.data
    train, unseen = data.train_split, data.validation_split
    if share_examples(data.name, (train, unseen), data.data_dir):
        raise DatasetError(f"Splits {train!r} and {unseen!r} of {data.name!r} share examples.")
    sample = next(eval_batches(config, split=train, batch_size=1)).images["target"]
    if sample.shape[1:] != images.shape[1:]:
        height, width = sample.shape[1:3]
        raise SetsError(
            f"Pictures of {images.shape[2]}x{images.shape[1]} have no neighbours among those of "
            f"{width}x{height} in {data.name!r}."
        )
    known = split_features(config, train, vgg16)
    others = split_features(config, unseen, vgg16, limit=_UNSEEN).features
    distances, places = nearest(features_of(images, vgg16), known, NEAREST)
    return Neighbours(distances, places, nearest(others, known, 1)[0][:, 0])


def draw_neighbours(images: np.ndarray, found: Neighbours, config) -> np.ndarray:
    """Returns each image and its neighbours, the nearest first, a row each, uint8 [H', W', 3].

    Args:
      images: uint8 [N, H, W, 3].
      found: of these images.
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
