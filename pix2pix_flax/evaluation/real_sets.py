"""Features of real images, from a split of a dataset or from memory."""

import logging
from typing import NamedTuple

import jax
import numpy as np
from tqdm import tqdm

from pix2pix_flax.data.pipeline import eval_batches
from pix2pix_flax.data.source import DatasetError, share_examples
from pix2pix_flax.evaluation.evaluate import collect
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.metrics.distributions import vgg16_distances
from pix2pix_flax.metrics.feature_sets import pooled_features
from pix2pix_flax.sharding import make_mesh, replicated
from pix2pix_flax.typing import PyTree

_BATCH_SIZE = 8

_log = logging.getLogger(__name__)


class SplitFeatures(NamedTuple):
    """Features of the targets in a split.

    Attributes:
      places: indices of the examples in the split, int [N].
      features: pooled features of VGG16, float32 [N, 512].
    """

    places: np.ndarray
    features: np.ndarray


def split_features(config, split: str, vgg16: PyTree, *, limit: int = 0) -> SplitFeatures:
    """Computes `pooled_features` of the targets in a split.

    Args:
      config: the whole configuration.
      split: name of the split.
      vgg16: the weights of VGG16; see `pooled_features`.
      limit: number of examples, spread evenly over the split; 0 for all.

    Raises:
      DatasetError: if the dataset or the split is missing.
    """
    mesh = make_mesh(_BATCH_SIZE)
    weights = jax.device_put(vgg16, replicated(mesh))

    @jax.jit
    def embed(weights, batch):
        features = pooled_features(weights, normalize(batch["target"]))
        return {"places": batch["index"], "features": features}

    batches = eval_batches(config, split=split, batch_size=_BATCH_SIZE, limit=limit)
    progress = tqdm(batches, desc=f"features of {split}", unit="batch", disable=None)
    _, found = collect({split: lambda batch: embed(weights, batch)}, progress, mesh)
    return SplitFeatures(**found[split])


def features_of(images: np.ndarray, vgg16: PyTree) -> np.ndarray:
    """Computes `pooled_features`, float32 [N, 512], of images uint8 [N, H, W, 3]."""

    @jax.jit
    def embed(weights, images):
        def embed_one(image):
            return pooled_features(weights, normalize(image[None]))[0]

        return jax.lax.map(embed_one, images, batch_size=_BATCH_SIZE)

    return np.asarray(embed(vgg16, images))


def real_distances(config, split: str, targets: np.ndarray, vgg16: PyTree) -> dict[str, float]:
    """Returns `vgg16_distances` between N images of the training split and N targets of a split.

    Args:
      config: the whole configuration.
      split: name of the split that holds the targets.
      targets: features of the N targets, [N, 512].
      vgg16: the weights of VGG16; see `pooled_features`.

    Returns:
      The distances by name. An empty dict, with a warning, if a split is missing, or if the
      training split has fewer than N images or shares examples with the split.
    """
    data = config.data
    try:
        if share_examples(data.name, (split, data.train_split), data.data_dir):
            return _left_out(f"splits {split} and {data.train_split} share examples")
        found = split_features(config, data.train_split, vgg16, limit=len(targets)).features
    except DatasetError as error:
        return _left_out(str(error))
    if len(found) < len(targets):
        return _left_out(f"split {data.train_split} has fewer images than {split}")
    return vgg16_distances(targets, found)


def _left_out(reason: str) -> dict[str, float]:
    _log.warning("Row `real` is left out: %s.", reason.removesuffix("."))
    return {}
