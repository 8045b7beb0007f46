"""One vector of features a picture, by which sets of pictures are compared."""

import jax
import jax.numpy as jnp

from pix2pix_flax.models.frozen.lpips import features
from pix2pix_flax.steps.state import PyTree


def pooled_features(vgg16: PyTree, images: jax.Array) -> jax.Array:
    """Returns the spatial means of VGG16's relu5_3, float32 [B, 512], >= 0.

    They change with the size of what is shown: compare sets of pictures of one size. Full float32
    on every machine, as is right for a metric.

    Args:
      vgg16: frozen weights, as `weights.load_lpips_weights("vgg16")` returns them.
      images: [B, H, W, 3] in [-1, 1], H and W at least 16.
    """
    with jax.default_matmul_precision("highest"):
        return jnp.mean(features(vgg16, images, net="vgg16")[-1], axis=(1, 2))
