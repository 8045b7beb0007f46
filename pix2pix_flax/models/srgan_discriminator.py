"""The discriminator of SRGAN (Ledig et al. 2017, arXiv:1609.04802, figure 4)."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.models.layers import Dtype, Norm, initializer, plain_conv

_LEAKY_SLOPE = 0.2
_HIDDEN = 16  # units of the dense layer divided by `width`; 1024 units in the paper


class SRGANDiscriminator(nn.Module):
    """Judges a whole image by one logit; the dense layer fixes the size of the images.

    If the collection `intermediates` is mutable, its `features` are the outputs of all layers
    except the last, float32 [B, ...].

    Attributes:
      depth: number of stages; each has two 3x3 convolutions, the second with stride 2. 4 in the
        paper.
      width: channels of the first stage; each later stage doubles them. The dense layer has
        16 times `width` units.
      norm: `batch` (the paper's), `instance`, `group` or `none`; the first convolution has no norm.
      dtype: the compute dtype; parameters are float32.
      kernel_init: initializer of the kernels, a key of `layers.INITS`.
    """

    depth: int
    width: int
    norm: str
    dtype: Dtype = jnp.float32
    kernel_init: str = "normal"

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> list[jax.Array]:
        """Returns one array of logits, float32 [B, 1]; higher means more real.

        Args:
          images: [B, H, W, C] in [-1, 1], of the same size in all calls.
          train: whether norms use the statistics of this batch, and `batch_stats` is updated.
        """
        x = images.astype(self.dtype)
        for index in range(2 * self.depth):
            x = self._kept(self._conv(index, x, train))
        x = x.reshape(len(x), -1)
        x = self._kept(self._dense("hidden", _HIDDEN * self.width)(x))
        return [self._dense("logit", 1)(x).astype(jnp.float32)]

    def _conv(self, index: int, x: jax.Array, train: bool) -> jax.Array:
        """Applies a convolution and its norm; every second convolution halves the size."""
        normed = self.norm if index else "none"
        x = nn.Conv(
            self.width * 2 ** (index // 2),
            (3, 3),
            strides=1 + index % 2,
            padding=1,
            use_bias=normed != "batch",
            kernel_init=initializer(self.kernel_init),
            dtype=self.dtype,
            conv_general_dilated=plain_conv,
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
