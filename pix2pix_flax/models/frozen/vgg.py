"""The convolutional parts of VGG16 and VGG19 (Simonyan & Zisserman 2015, arXiv:1409.1556)."""

import flax.linen as nn
import jax
from jax import lax

MIN_SIZE = 16
"""Smallest height and width in pixels: four poolings leave one pixel."""

_WIDTHS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """Feature maps of a VGG; its frozen weights come from `weights` or `vgg19_weights`.

    Attributes:
      depths: numbers of convolutions in the five blocks.
      rectified: whether maps are taken after their activation.
      precision: Precision of the convolutions. Some accelerators default to less than float32.
    """

    depths: tuple[int, ...]
    rectified: bool = True
    precision: lax.PrecisionLike = None

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, ...]:
        """Returns the last map of each of the five blocks.

        Args:
          images: [B, H, W, 3] float, normalised as the weights expect it; H, W >= `MIN_SIZE`.

        Returns:
          relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3 of VGG16, or conv1_2 and so on; of VGG19
          the last three are relu3_4, relu4_4 and relu5_4. [B, H/2^i, W/2^i, C_i], rounded down,
          with C = 64, 128, 256, 512, 512.
        """
        x, maps, layer = images, [], 0
        for width, depth in zip(_WIDTHS, self.depths, strict=True):
            if maps:
                x = nn.max_pool(x, (2, 2), strides=(2, 2))
            for _ in range(depth):
                # Explicit names, which match the weight file.
                conv = nn.Conv(
                    width, (3, 3), padding=1, precision=self.precision, name=f"Conv_{layer}"
                )
                linear = conv(x)
                x = nn.relu(linear)
                layer += 1
            maps.append(x if self.rectified else linear)
        return tuple(maps)


def VGG16(precision: lax.PrecisionLike = None) -> VGG:  # noqa: N802 (the network's name)
    """Returns VGG16 (configuration D), whose maps are rectified."""
    return VGG((2, 2, 3, 3, 3), precision=precision)


def VGG19(*, rectified: bool) -> VGG:  # noqa: N802
    """Returns VGG19 (configuration E)."""
    return VGG((2, 2, 4, 4, 4), rectified)
