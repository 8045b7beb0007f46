"""SRResNet, the generator of Ledig et al. 2017 (arXiv:1609.04802, figure 4)."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.models.layers import Dtype, Norm, initializer
from pix2pix_flax.models.upscaling import doublings, from_range, icnr, pixel_shuffle, to_range

_SLOPE = 0.25  # initial slope of PReLU (He et al. 2015, section 2.1)


class SRResNet(nn.Module):
    """Residual blocks at the size of the input, then doublings by pixel shuffle.

    Deviation from the paper: convolutions before BatchNorm have no biases, because BatchNorm would
    remove them. Choices that the paper leaves open: PReLU has one slope per layer, and the last
    convolution has no activation.

    Attributes:
      blocks: number of residual blocks; 16 in the paper.
      width: channels, 64 in the paper.
      out_channels: channels of the output.
      norm: `batch` (the paper's), `instance`, `group` or `none`.
      scale: factor by which height and width grow: 1, 2, 4, 8...
      dtype: the compute dtype; parameters are float32.
      unit_range: whether levels are in [0, 1] within the network, as in PyTorch projects, and not
        in [-1, 1]. Zeros beyond the border are then black, not grey.
      kernel_init: initializer of the kernels, a key of `layers.INITS`.
    """

    blocks: int
    width: int
    out_channels: int
    norm: str
    scale: int
    dtype: Dtype = jnp.float32
    unit_range: bool = False
    kernel_init: str = "normal"

    input_kind: ClassVar[str] = "image"

    @property
    def stride(self) -> int:
        """The multiple that heights and widths are padded to."""
        return 1

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> jax.Array:
        """Returns the enlarged images.

        Args:
          images: small images [B, H, W, C] in [-1, 1]; the paper has them in [0, 1].
          train: whether norms use the statistics of this batch, and `batch_stats` is updated.

        Returns:
          float32 [B, scale * H, scale * W, out_channels]; -1 is black, 1 is white, not clipped.

        Raises:
          UserError: if `scale` is not a power of two.
        """
        first = self._prelu(
            self._conv("first", 9, self.width)(to_range(images, self.unit_range).astype(self.dtype))
        )
        x = first
        for index in range(self.blocks):
            x = self._block(f"block{index}", x, train)
        x = first + self._normed("last", x, train)
        for index in range(doublings(self.scale)):
            x = self._conv(f"up{index}", 3, 4 * self.width, shuffled=2)(x)
            x = self._prelu(pixel_shuffle(x, 2))
        return from_range(
            self._conv("out", 9, self.out_channels)(x).astype(jnp.float32), self.unit_range
        )

    def _block(self, name: str, x: jax.Array, train: bool) -> jax.Array:
        y = self._prelu(self._normed(f"{name}_0", x, train))
        return x + self._normed(f"{name}_1", y, train)

    def _normed(self, name: str, x: jax.Array, train: bool) -> jax.Array:
        """Applies a 3x3 convolution and its norm."""
        x = self._conv(name, 3, self.width, use_bias=self.norm != "batch")(x)
        return Norm(self.norm, self.dtype, name=f"{name}_norm")(x, train=train)

    def _prelu(self, x: jax.Array) -> jax.Array:
        return nn.PReLU(negative_slope_init=_SLOPE)(x)

    def _conv(
        self, name: str, size: int, features: int, use_bias: bool = True, shuffled: int = 1
    ) -> nn.Conv:
        return nn.Conv(
            features,
            (size, size),
            use_bias=use_bias,
            kernel_init=icnr(initializer(self.kernel_init), shuffled),
            dtype=self.dtype,
            name=name,
        )
