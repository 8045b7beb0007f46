"""How far real pictures are from real ones: what no network can be expected to better."""

import logging

import numpy as np

from pix2pix_flax.data.source import DatasetError, share_examples
from pix2pix_flax.evaluation.real_sets import split_features
from pix2pix_flax.metrics.distributions import vgg16_distances
from pix2pix_flax.steps.state import PyTree

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
