"""SRVGGNetCompact, the small network of Real-ESRGAN's repository (Wang et al. 2021)."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.models.layers import Dtype, initializer
from pix2pix_flax.models.upscaling import from_range, icnr, pixel_shuffle, to_range

_SLOPE = 0.25  # initial slope of PReLU, as in PyTorch


class Compact(nn.Module):
    """3x3 convolutions at the size of the input, then pixel shuffle; added to enlarged input.

    Levels are in [0, 1] within the network, so its weights are the weights of that repository.

    Attributes:
      blocks: number of convolutions between the first and the last: 16 or 32 in that repository.
      width: channels, 64 in that repository.
      out_channels: channels of the output, as many as of the input.
      scale: factor by which height and width grow, any from 1.
      dtype: the compute dtype; parameters are float32.
      kernel_init: initializer of the kernels, a key of `layers.INITS`.
    """

    blocks: int
    width: int
    out_channels: int
    scale: int
    dtype: Dtype = jnp.float32
    kernel_init: str = "kaiming"

    input_kind: ClassVar[str] = "image"
    unit_range: ClassVar[bool] = True

    @property
    def stride(self) -> int:
        """The multiple that heights and widths are padded to."""
        return 1

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> jax.Array:
        """Returns the enlarged images.

        Args:
          images: [B, H, W, C] in [-1, 1], C = `out_channels`.
          train: unused; the network has no dropout and no running statistics.

        Returns:
          float32 [B, scale * H, scale * W, C]; -1 is black, 1 is white, not clipped.
        """
        del train
        images = to_range(images, self.unit_range)
        x = images.astype(self.dtype)
        for index in range(self.blocks + 1):
            x = self._conv(f"conv{index}", self.width, initializer(self.kernel_init))(x)
            slopes = self.param(f"slopes{index}", nn.initializers.constant(_SLOPE), (self.width,))
            x = jnp.where(x >= 0, x, slopes.astype(x.dtype) * x)
        first = icnr(nn.initializers.variance_scaling(0.01, "fan_in", "normal"), self.scale)
        x = self._conv("out", self.scale**2 * self.out_channels, first)(x)
        x = pixel_shuffle(x.astype(jnp.float32), self.scale)
        x = x + images.repeat(self.scale, axis=1).repeat(self.scale, axis=2)
        return from_range(x, self.unit_range)

    def _conv(self, name: str, features: int, kernel_init: nn.initializers.Initializer) -> nn.Conv:
        return nn.Conv(features, (3, 3), kernel_init=kernel_init, dtype=self.dtype, name=name)
