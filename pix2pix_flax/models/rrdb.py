"""RRDBNet, the generator of ESRGAN (Wang et al. 2018, arXiv:1809.00219, section 3.1)."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.models.layers import Dtype, ResizeConv, initializer
from pix2pix_flax.models.upscaling import doublings, from_range, to_range

_LEAKY_SLOPE = 0.2
_RESIDUAL_SCALE = 0.2  # beta, section 3.1
_INIT_SCALE = 0.1  # times He's initialization; "smaller initialization", section 3.1


class RRDBNet(nn.Module):
    """Residual-in-residual dense blocks without norms, then doublings by nearest neighbours.

    Attributes:
      blocks: number of blocks, each of three dense blocks of five convolutions; 23 in the paper.
      width: channels, 64 in the paper; each dense layer adds half as many.
      out_channels: channels of the output.
      scale: factor by which height and width grow: 1, 2, 4, 8...
      dtype: the compute dtype; parameters are float32.
      unit_range: whether levels are in [0, 1] within the network, as in PyTorch projects, and not
        in [-1, 1]. Zeros beyond the border are then black, not grey.
      kernel_init: initializer of the kernels, a key of `layers.INITS`; `kaiming` in the paper.
        Kernels of the dense blocks start at a tenth of it.
    """

    blocks: int
    width: int
    out_channels: int
    scale: int
    dtype: Dtype = jnp.float32
    unit_range: bool = False
    kernel_init: str = "kaiming"

    input_kind: ClassVar[str] = "image"

    @property
    def stride(self) -> int:
        """The multiple that heights and widths are padded to."""
        return 1

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> jax.Array:
        """Returns the enlarged images.

        Args:
          images: [B, H, W, C] in [-1, 1].
          train: unused; the network has no dropout and no running statistics.

        Returns:
          float32 [B, scale * H, scale * W, out_channels]; -1 is black, 1 is white, not clipped.

        Raises:
          UserError: if `scale` is not a power of two.
        """
        del train
        first = self._conv("first", self.width)(
            to_range(images, self.unit_range).astype(self.dtype)
        )
        x = first
        for index in range(self.blocks):
            y = x
            for dense in range(3):
                y = self._dense(f"block{index}_{dense}", y)
            x = x + _RESIDUAL_SCALE * y
        x = first + self._conv("last", self.width)(x)
        for index in range(doublings(self.scale)):
            settings = {"kernel_init": self.kernel_init, "dtype": self.dtype}
            x = _leaky(ResizeConv(self.width, **settings, name=f"up{index}")(x))
        x = _leaky(self._conv("hr", self.width)(x))
        return from_range(
            self._conv("out", self.out_channels)(x).astype(jnp.float32), self.unit_range
        )

    def _dense(self, name: str, x: jax.Array) -> jax.Array:
        """Adds a fifth of a dense block's output to `x`; each layer sees all maps before it."""
        seen = x
        for layer in range(4):
            y = _leaky(self._conv(f"{name}_{layer}", self.width // 2, _INIT_SCALE)(seen))
            seen = jnp.concatenate([seen, y], axis=-1)
        return x + _RESIDUAL_SCALE * self._conv(f"{name}_4", self.width, _INIT_SCALE)(seen)

    def _conv(self, name: str, features: int, gain: float = 1.0) -> nn.Conv:
        draw = initializer(self.kernel_init)
        return nn.Conv(
            features,
            (3, 3),
            kernel_init=lambda *arguments: gain * draw(*arguments),
            dtype=self.dtype,
            name=name,
        )


def _leaky(x: jax.Array) -> jax.Array:
    return nn.leaky_relu(x, _LEAKY_SLOPE)
