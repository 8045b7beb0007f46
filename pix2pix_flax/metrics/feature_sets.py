"""Generated and real pictures as two sets, which are compared by features of VGG16."""

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
"""Name of the arrays of `features_of_both` among the scores of examples."""


class SetsError(UserError):
    """Sets of pictures that cannot be compared; its message is one line."""


def features_of_both(vgg16: PyTree, output: jax.Array, real: jax.Array) -> jax.Array:
    """Returns pooled features of generated and of real pictures, float32 [B, 2, 512].

    Args:
      vgg16: see `pooled_features`.
      output: [B, H, W, 3] in [-1, 1]; looked at as a user gets it, in 8 bits.
      real: uint8 [B, H, W, 3].

    Raises:
      SetsError: they differ in size, which features change with.
    """
    if output.shape != real.shape:
        sizes = [f"{images.shape[2]}x{images.shape[1]}" for images in (output, real)]
        raise SetsError(
            f"Images of {sizes[0]} do not compare with the images of {sizes[1]} of the dataset: "
            "config.sizes.evaluation must be the size of the network's images."
        )
    sets = normalize(denormalize(output)), normalize(real)
    return jnp.stack([pooled_features(vgg16, images) for images in sets], axis=1)


def set_distances(features: np.ndarray) -> dict[str, float]:
    """Returns `vgg16_distances` of generated from real pictures; not-a-number for too few.

    Args:
      features: [N, 2, D], as `features_of_both` gives them.
    """
    generated, real = np.moveaxis(features, 1, 0)
    if len(real) > NEAREST_K:
        return vgg16_distances(real, generated)
    return dict.fromkeys(vgg16_distances(*np.zeros((2, NEAREST_K + 1, 1))), math.nan)


def pooled_features(vgg16: PyTree, images: jax.Array) -> jax.Array:
    """Returns the spatial means of VGG16's relu5_3, float32 [B, 512], >= 0.

    They depend on the size of the objects shown: compare sets of images of one size. Full float32
    on every machine, as is right for a metric.

    Args:
      vgg16: frozen weights, as `weights.load_lpips_weights("vgg16")` returns them.
      images: [B, H, W, 3] in [-1, 1], H and W at least 16.
    """
    with jax.default_matmul_precision("highest"):
        return jnp.mean(features(vgg16, images, net="vgg16")[-1], axis=(1, 2))
