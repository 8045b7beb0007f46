"""Paired and unconditional image GANs in JAX and Flax, on one training loop."""

import functools
from pathlib import Path

import numpy as np

__version__ = "0.1.0"


def cartoonize(images, checkpoint: str = "lite") -> np.ndarray:
    """Draws photographs as cartoons.

    Args:
      images: the path of a picture; or one image, uint8 RGB [H, W, 3], or many of one size,
        [B, H, W, 3].
      checkpoint: a training run, a safetensors file or the name of a shipped network. A style
        without a network is drawn by `cartoon_tfds.styles.cartoonize`.

    Returns:
      uint8 RGB of the same shape.

    Raises:
      UserError: the picture cannot be read, or the checkpoint cannot be used.
      ValueError: `images` has another dtype or shape.
    """
    if isinstance(images, str | Path):
        from cartoon_tfds.images import read_image

        images = read_image(images)
    images = np.asarray(images)
    predict = _predictor(checkpoint)
    return predict(images[np.newaxis])[0] if images.ndim == 3 else predict(images)


@functools.lru_cache(maxsize=4)
def _predictor(checkpoint: str):
    from pix2pix_flax.export.engine import load_on_cpu

    def on_jax():
        from pix2pix_flax.inference.predictor import load_predictor  # takes seconds to import

        return load_predictor(checkpoint)

    return load_on_cpu(checkpoint, on_jax) or on_jax()
