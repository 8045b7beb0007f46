"""Compares the set of generated images with the set of real images by features of VGG16."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.metrics.distributions import NEAREST_K, vgg16_distances
from pix2pix_flax.models.frozen.lpips import features
from pix2pix_flax.typing import PyTree

FEATURES = "features"
"""Name of the result of `features_of_both` among the scores of an example."""


class SetsError(UserError):
    """Sets of images cannot be compared; the message is one line."""


def features_of_both(vgg16: PyTree, output: jax.Array, real: jax.Array) -> jax.Array:
    """Returns pooled features of generated and of real images, float32 [B, 2, 512].

    Args:
      vgg16: frozen weights; see `pooled_features`.
      output: generated images [B, H, W, 3] in [-1, 1]; first rounded to 8 bits, as in a file.
      real: real images, uint8 [B, H, W, 3].

    Raises:
      SetsError: if the sizes differ, because the features depend on the size.
    """
    if output.shape != real.shape:
        sizes = [f"{images.shape[2]}x{images.shape[1]}" for images in (output, real)]
        raise SetsError(
            f"Images of {sizes[0]} do not compare with the images of {sizes[1]} of the dataset: "
            "set config.sizes.evaluation to the size of the network's images."
        )
    sets = normalize(denormalize(output)), normalize(real)
    return jnp.stack([pooled_features(vgg16, images) for images in sets], axis=1)


def set_distances(features: np.ndarray) -> dict[str, float]:
    """Returns `vgg16_distances` of generated and real images; not-a-number for too few images.

    Args:
      features: [N, 2, D], as `features_of_both` gives them.
    """
    generated, real = np.moveaxis(features, 1, 0)
    if len(real) > NEAREST_K:
        return vgg16_distances(real, generated)
    return dict.fromkeys(vgg16_distances(*np.zeros((2, NEAREST_K + 1, 1))), math.nan)


def pooled_features(vgg16: PyTree, images: jax.Array) -> jax.Array:
    """Returns the spatial means of VGG16's relu5_3, float32 [B, 512], >= 0.

    The features depend on the size of the images: compare only sets of images of one size. A
    metric must give the same number on every machine, so the precision is full float32.

    Args:
      vgg16: frozen weights, as `weights.load_lpips_weights("vgg16")` returns them.
      images: [B, H, W, 3] in [-1, 1], H and W at least 16.
    """
    with jax.default_matmul_precision("highest"):
        return jnp.mean(features(vgg16, images, net="vgg16")[-1], axis=(1, 2))
