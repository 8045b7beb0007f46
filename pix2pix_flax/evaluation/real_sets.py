"""Features of pictures by themselves: of a split of a dataset, or of images in memory."""

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


class SplitFeatures(NamedTuple):
    """The targets of a split as VGG16 sees them.

    Attributes:
      places: int [N], of the examples in the split.
      features: float32 [N, 512].
    """

    places: np.ndarray
    features: np.ndarray


def split_features(config, split: str, vgg16: PyTree, *, limit: int = 0) -> SplitFeatures:
    """Returns `pooled_features` of a split's targets.

    Args:
      config: `config.data`.
      split: which one.
      vgg16: see `pooled_features`.
      limit: see `eval_batches`.

    Raises:
      DatasetError: where the dataset or the split is missing.
    """
    mesh = make_mesh(_BATCH_SIZE)
    weights = jax.device_put(vgg16, replicated(mesh))

    @jax.jit
    def look(weights, batch):
        features = pooled_features(weights, normalize(batch["target"]))
        return {"places": batch["index"], "features": features}

    batches = eval_batches(config, split=split, batch_size=_BATCH_SIZE, limit=limit)
    progress = tqdm(batches, desc=f"features of {split}", unit="batch", disable=None)
    _, found = collect({split: lambda batch: look(weights, batch)}, progress, mesh)
    return SplitFeatures(**found[split])


def features_of(images: np.ndarray, vgg16: PyTree) -> np.ndarray:
    """Returns `pooled_features` of images uint8 [N, H, W, 3], float32 [N, 512]."""

    @jax.jit
    def look(weights, images):
        def look_at(image):
            return pooled_features(weights, normalize(image[None]))[0]

        return jax.lax.map(look_at, images, batch_size=_BATCH_SIZE)

    return np.asarray(look(vgg16, images))


_log = logging.getLogger(__name__)


def real_distances(config, split: str, targets: np.ndarray, vgg16: PyTree) -> dict[str, float]:
    """Returns `vgg16_distances` of as many pictures of the training split from those of a split.

    Args:
      config: `config.data`.
      split: of the targets.
      targets: their features, [N, 512].
      vgg16: see `pooled_features`.

    Returns:
      {}, with a word, where the training split has fewer or shares any with the targets.
    """
    try:
        if share_examples(config.name, (split, config.train_split), config.data_dir):
            return _left_out(f"splits {split} and {config.train_split} share examples")
        found = split_features(config, config.train_split, vgg16, limit=len(targets)).features
    except DatasetError as error:
        return _left_out(str(error))
    if len(found) < len(targets):
        return _left_out(f"split {config.train_split} has fewer pictures than {split}")
    return vgg16_distances(targets, found)


def _left_out(reason: str) -> dict[str, float]:
    _log.warning("Row `real` is left out: %s.", reason.removesuffix("."))
    return {}
