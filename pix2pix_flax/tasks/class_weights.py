"""Weights of the classes of label maps in the losses: rare classes count more."""

import dataclasses
from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax.image.label_colours import nearest_class
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.image.palettes import Palette

_MOST_MAPS = 1_000  # label maps that are counted, evenly spread over the training split


@dataclasses.dataclass(frozen=True)
class ClassWeights:
    """The weights of classes by their frequency in the training split.

    Attributes:
      palette: the classes.
      power: exponent of the weights: 1 for the median frequency, 0.5 for its square root.
      read: returns the `data.pipeline.EvalBatch`es of `limit` training examples, evenly spread.
    """

    palette: Palette
    power: float
    read: Callable[..., Iterable]

    def load(self) -> np.ndarray:
        """Returns the weights of the classes, without void, float32 [K]."""
        void = self.palette.void

        @jax.jit
        def count(maps):
            classes = nearest_class(normalize(maps), self.palette)
            return jax.vmap(lambda found: jnp.bincount(found.ravel(), length=void))(classes)

        counts = [
            np.asarray(count(batch.images["target"]))[: batch.count]
            for batch in self.read(limit=_MOST_MAPS)
        ]
        return median_frequency(np.concatenate(counts)) ** self.power


def median_frequency(counts: np.ndarray) -> np.ndarray:
    """Returns the weight of each class, float32 [K] (Eigen and Fergus 2015, arXiv:1411.4734).

    The frequency of a class is its share of the labelled pixels in the maps that have it; its
    weight is the median of all frequencies divided by its own. A class that no map has gets 1.

    Args:
      counts: pixels of each class in each label map, int [N, K].
    """
    has_class = counts > 0
    labelled = np.where(has_class, counts.sum(1, keepdims=True), 0).sum(0)
    known = labelled > 0
    frequencies = counts.sum(0)[known] / labelled[known]
    weights = np.ones(counts.shape[1], np.float32)
    weights[known] = np.median(frequencies) / frequencies
    return weights


CLASS_WEIGHTS: dict[str, float] = {
    "none": 0.0,
    "median_frequency": 1.0,
    "root_median_frequency": 0.5,  # milder: frequent classes lose less to rare ones
}
"""The exponent of the weights by the name of the setting; 0: all classes count alike."""
