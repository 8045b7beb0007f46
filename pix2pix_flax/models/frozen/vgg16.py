"""The convolutional part of VGG16 (Simonyan & Zisserman 2015, arXiv:1409.1556, configuration D)."""

import flax.linen as nn
import jax
from jax import lax

MIN_SIZE = 16
"""Smallest height and width in pixels: four poolings leave one pixel."""

_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG16(nn.Module):
    """Feature maps of VGG16; its frozen weights come from `pix2pix_flax.models.frozen.weights`.

    Attributes:
      precision: Precision of the convolutions. Some accelerators default to less than float32.
    """

    precision: lax.PrecisionLike = None

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, ...]:
        """Returns the last rectified map of each of the five blocks.

        Args:
          images: [B, H, W, 3] float, normalised as the weights expect it; H, W >= `MIN_SIZE`.

        Returns:
          relu1_2, relu2_2, relu3_3, relu4_3, relu5_3: [B, H/2^i, W/2^i, C_i], rounded down, with
          C = 64, 128, 256, 512, 512.
        """
        x, maps, layer = images, [], 0
        for block in _BLOCKS:
            if maps:
                x = nn.max_pool(x, (2, 2), strides=(2, 2))
            for width in block:
                # Explicit names, which match the weight file.
                conv = nn.Conv(
                    width, (3, 3), padding=1, precision=self.precision, name=f"Conv_{layer}"
                )
                x = nn.relu(conv(x))
                layer += 1
            maps.append(x)
        return tuple(maps)
