"""SPAN, a small and fast network for super-resolution (Wan et al. 2023, arXiv:2311.12770)."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.models.layers import Dtype, initializer
from pix2pix_flax.models.upscaling import from_range, icnr, pixel_shuffle, to_range

MEAN = (0.4488, 0.4371, 0.4040)
"""The mean colour of DIV2K in [0, 1], which `centred` subtracts."""


class Span(nn.Module):
    """Swift parameter-free attention network: blocks whose features weigh themselves.

    Levels are in [0, 1] within the network. A 3x3 convolution stands for the paper's `Conv3XC`,
    whose convolutions are one linear map; here it is trained as one.

    Attributes:
      blocks: number of attention blocks, 6 in the paper.
      width: channels, 48 in the paper's larger network and 28 or 32 in the smaller ones.
      out_channels: channels of the output, as many as of the input.
      scale: factor by which height and width grow, any from 1.
      centred: whether the mean colour is subtracted from the input: .15 dB more after 1,000 steps.
      residual: whether the enlarged input is added to the output, as in `Compact`; the paper's
        network has to learn it.
      dtype: the compute dtype; parameters are float32.
      kernel_init: initializer of the kernels, a key of `layers.INITS`.
    """

    blocks: int
    width: int
    out_channels: int
    scale: int
    centred: bool
    residual: bool
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
        """Returns the enlarged images (figure 2 of the paper).

        Args:
          images: [B, H, W, C] in [-1, 1], C = `out_channels`.
          train: unused; the network has no dropout and no running statistics.

        Returns:
          float32 [B, scale * H, scale * W, C]; -1 is black, 1 is white, not clipped.
        """
        del train
        init = initializer(self.kernel_init)
        images = to_range(images, self.unit_range)
        x = images - jnp.asarray(MEAN) if self.centred else images
        first = x = self._conv("first", init)(x.astype(self.dtype))
        outputs = []
        for index in range(self.blocks):
            x, middle = self._block(f"block{index}", x)
            outputs.append(x)
        x = jnp.concatenate([first, self._conv("last", init)(x), outputs[0], middle], axis=-1)
        x = self._conv("mix", init, size=1)(x)
        small = icnr(nn.initializers.variance_scaling(0.01, "fan_in", "normal"), self.scale)
        x = self._conv("out", small, self.scale**2 * self.out_channels)(x)
        x = pixel_shuffle(x.astype(jnp.float32), self.scale)
        if self.residual:
            x = x + images.repeat(self.scale, axis=1).repeat(self.scale, axis=2)
        return from_range(x, self.unit_range)

    def _block(self, name: str, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the output of a block (equations 1 to 5) and its first features."""
        init = initializer(self.kernel_init)
        middle = nn.silu(self._conv(f"{name}_0", init)(x))
        y = nn.silu(self._conv(f"{name}_1", init)(middle))
        y = self._conv(f"{name}_2", init)(y)
        return (x + y) * (nn.sigmoid(y) - 0.5), middle

    def _conv(
        self,
        name: str,
        kernel_init: nn.initializers.Initializer,
        features: int | None = None,
        size: int = 3,
    ) -> nn.Conv:
        return nn.Conv(
            features or self.width,
            (size, size),
            kernel_init=kernel_init,
            dtype=self.dtype,
            name=name,
        )
