"""The discriminator of SRGAN (Ledig et al. 2017, arXiv:1609.04802, figure 4)."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.models.layers import Dtype, Norm, initializer

_LEAKY_SLOPE = 0.2
_HIDDEN = 16  # times `width`: 1024 in the paper


class SRGANDiscriminator(nn.Module):
    """Judges a whole image by one logit; the dense layers tie it to the size it was made for.

    Where the collection `intermediates` is mutable, `features` in it holds what each layer but the
    last makes, float32 [B, ...].

    Attributes:
      depth: stages of two 3x3 convolutions, the second with stride 2; 4 in the paper.
      width: channels of the first stage; they double with each. The dense layer has 16 times as
        many units.
      norm: `batch` (the paper's), `instance`, `group` or `none`; the first convolution has none.
      dtype: the compute dtype; parameters are float32.
      kernel_init: how kernels start, one of `layers.INITS`.
    """

    depth: int
    width: int
    norm: str
    dtype: Dtype = jnp.float32
    kernel_init: str = "normal"

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> list[jax.Array]:
        """Returns one array of float32 logits [B, 1], positive for what looks real.

        Args:
          images: [B, H, W, C] in [-1, 1], of one size in all calls.
          train: whether batch statistics are taken from this batch, and `batch_stats` moves.
        """
        x = images.astype(self.dtype)
        for index in range(2 * self.depth):
            x = self._kept(self._conv(index, x, train))
        x = x.reshape(len(x), -1)
        x = self._kept(self._dense("hidden", _HIDDEN * self.width)(x))
        return [self._dense("logit", 1)(x).astype(jnp.float32)]

    def _conv(self, index: int, x: jax.Array, train: bool) -> jax.Array:
        """Returns the features of a convolution: every other one halves the size."""
        normed = self.norm if index else "none"
        x = nn.Conv(
            self.width * 2 ** (index // 2),
            (3, 3),
            strides=1 + index % 2,
            padding=1,
            use_bias=normed != "batch",
            kernel_init=initializer(self.kernel_init),
            dtype=self.dtype,
            name=f"conv{index}",
        )(x)
        return Norm(normed, self.dtype, name=f"conv{index}_norm")(x, train=train)

    def _dense(self, name: str, units: int) -> nn.Dense:
        init = initializer(self.kernel_init)
        return nn.Dense(units, kernel_init=init, dtype=self.dtype, name=name)

    def _kept(self, x: jax.Array) -> jax.Array:
        x = nn.leaky_relu(x, _LEAKY_SLOPE)
        self.sow("intermediates", "features", x.astype(jnp.float32))
        return x
