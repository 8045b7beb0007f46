"""The residual generator of Johnson et al. 2016 (arXiv:1603.08155), as in CycleGAN.

Zhu et al. 2017 (arXiv:1703.10593), appendix 7.2: c7s1-64, d128, d256, R256 x 9, u128, u64, c7s1-3.
"""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.image.padding import pad_to_multiple, reflect_border
from pix2pix_flax.models.layers import Dtype, Norm, initializer, plain_conv, stage, up_conv

_LEVELS = 3  # resolutions: whole, half and quarter


class ResnetGenerator(nn.Module):
    """Residual blocks at a quarter of the size, between two halvings and two doublings.

    The output has the height and width of the input, which may be any: the input is padded by
    reflection to multiples of 4, and the output is cut back. Layers with stride 1 also pad by
    reflection.

    Attributes:
      blocks: number of residual blocks; 9 in the paper, 6 for images of 128x128.
      width: channels of the first layer; the blocks have 4 times as many.
      out_channels: channels of the output.
      norm: `batch`, `instance` (the paper's), `group` or `none`. Norms have learned scales and
        biases, unlike the instance norm of the paper's code.
      upsample: `transpose` (the paper's) or `resize` (nearest, then a 3x3 convolution).
      dropout: dropout rate within the blocks; on in calls with an rng named `dropout`.
      dtype: the compute dtype; parameters are float32.
      kernel_init: initializer of the kernels, a key of `layers.INITS`.
      remat: whether the backward pass computes each layer and block again, which saves memory.
      logits: whether to leave out tanh, which brings the output to [-1, 1].
    """

    blocks: int
    width: int
    out_channels: int
    norm: str
    upsample: str
    dropout: float
    dtype: Dtype = jnp.float32
    kernel_init: str = "normal"
    remat: bool = False
    logits: bool = False

    input_kind: ClassVar[str] = "image"
    scale: ClassVar[int] = 1

    @property
    def stride(self) -> int:
        """The multiple that heights and widths are padded to."""
        return 2 ** (_LEVELS - 1)

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> jax.Array:
        """Returns the translated images.

        Args:
          images: [B, H, W, C] in [-1, 1].
          train: whether norms use the statistics of this batch, and `batch_stats` is updated.
            Dropout depends only on the `dropout` rng.

        Returns:
          float32 [B, H, W, out_channels], in [-1, 1] unless `logits` is set.
        """
        height, width = images.shape[1:3]
        x = pad_to_multiple(images, self.stride).astype(self.dtype)
        methods = (ResnetGenerator._down, ResnetGenerator._block, ResnetGenerator._up)
        down, block, up = (stage(method, self.remat) for method in methods)
        for level in range(_LEVELS):
            x = down(self, level, train, x)
        for index in range(self.blocks):
            x = block(self, index, train, x)
        for level in reversed(range(1, _LEVELS)):
            x = up(self, level, train, x)
        x = self._conv("up0", 7, self.out_channels, use_bias=True)(reflect_border(x, 3))
        x = x.astype(jnp.float32)[:, :height, :width]
        return x if self.logits else jnp.tanh(x)

    def _down(self, level: int, train: bool, x: jax.Array) -> jax.Array:
        """Applies layer c7s1 at level 0, and layer d, which halves the size, at the others."""
        name, features = f"down{level}", self.width * 2**level
        if level:
            x = self._conv(name, 3, features, strides=2, padding=1)(x)
        else:
            x = self._conv(name, 7, features)(reflect_border(x, 3))
        return nn.relu(self._norm(name)(x, train=train))

    def _block(self, index: int, train: bool, x: jax.Array) -> jax.Array:
        """Adds the output of two convolutions to `x` (layer R in the paper)."""
        features, first, second = x.shape[-1], f"block{index}_0", f"block{index}_1"
        y = self._conv(first, 3, features)(reflect_border(x, 1))
        y = nn.relu(self._norm(first)(y, train=train))
        y = nn.Dropout(self.dropout, deterministic=not self.has_rng("dropout"))(y)
        y = self._conv(second, 3, features)(reflect_border(y, 1))
        return x + self._norm(second)(y, train=train)

    def _up(self, level: int, train: bool, x: jax.Array) -> jax.Array:
        """Upsamples by 2 (layer u in the paper)."""
        name, features = f"up{level}", self.width * 2 ** (level - 1)
        settings = {"kernel_init": self.kernel_init, "dtype": self.dtype, "name": name}
        x = up_conv(self.upsample, 3, features, use_bias=self._bias, **settings)(x)
        return nn.relu(self._norm(name)(x, train=train))

    @property
    def _bias(self) -> bool:
        return self.norm != "batch"

    def _conv(self, name: str, size: int, features: int, **options: Any) -> nn.Conv:
        options = {"padding": 0, "use_bias": self._bias, **options}
        return nn.Conv(
            features,
            (size, size),
            kernel_init=initializer(self.kernel_init),
            dtype=self.dtype,
            conv_general_dilated=plain_conv,
            name=name,
            **options,
        )

    def _norm(self, name: str) -> Norm:
        return Norm(self.norm, self.dtype, name=f"{name}_norm")
