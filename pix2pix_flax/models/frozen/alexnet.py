"""The convolutional part of AlexNet, in its one-tower form (Krizhevsky 2014, arXiv:1404.5997)."""

import flax.linen as nn
import jax
from jax import lax

MIN_SIZE = 31
"""Smallest height and width in pixels: the strided convolution and two poolings leave one pixel."""

# Width, kernel, stride, padding, and whether a pooling comes before the convolution.
_LAYERS = (
    (64, 11, 4, 2, False),
    (192, 5, 1, 2, True),
    (384, 3, 1, 1, True),
    (256, 3, 1, 1, False),
    (256, 3, 1, 1, False),
)


class AlexNet(nn.Module):
    """Feature maps of AlexNet; its frozen weights come from `pix2pix_flax.models.frozen.weights`.

    Attributes:
      precision: Precision of the convolutions. Some accelerators default to less than float32.
    """

    precision: lax.PrecisionLike = None

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, ...]:
        """Returns the rectified output of each of the five convolutions.

        Args:
          images: [B, H, W, 3] float, normalised as the weights expect it; H, W >= `MIN_SIZE`.

        Returns:
          Five maps [B, h_i, w_i, C_i], C = 64, 192, 384, 256, 256; the first is about H/4 x W/4.
        """
        x, maps = images, []
        for i, (width, size, stride, padding, pooled) in enumerate(_LAYERS):
            if pooled:
                x = nn.max_pool(x, (3, 3), strides=(2, 2))
            conv = nn.Conv(
                width,
                (size, size),
                strides=stride,
                padding=padding,
                precision=self.precision,
                name=f"Conv_{i}",  # the name in the weight file
            )
            x = nn.relu(conv(x))
            maps.append(x)
        return tuple(maps)
