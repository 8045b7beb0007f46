"""The PatchGAN discriminator of Isola et al. 2017 (section 3.2.2 and 6.1.2)."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.models.layers import Dtype, Norm, down_conv, kernel_init

_LEAKY_SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """Judges each patch of an image by a logit of its own.

    Attributes:
      depth: convolutions with stride 2, which set the patch (the receptive field of one logit):
        0 is the 1x1 PixelGAN, 1 the 16x16, 3 the 70x70 and 5 the 286x286 PatchGAN.
      width: channels of the first layer; they double up to 8 times as many.
      norm: `batch`, `instance`, `group` or `none`; the first and the last layer have none.
      dtype: the compute dtype; parameters are float32.
    """

    depth: int
    width: int
    norm: str
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> jax.Array:
        """Returns float32 logits [B, h, w, 1], positive for what looks real.

        Args:
          images: [B, H, W, C] in [-1, 1]; a conditional discriminator gets input and output
            concatenated along the channels.
          train: whether batch statistics are taken from this batch.
        """
        x = images.astype(self.dtype)
        layers = self._pixel_layers() if self.depth == 0 else self._patch_layers()
        for index, layer in enumerate(layers[:-1]):
            x = layer(x)
            if index:
                x = Norm(self.norm, self.dtype)(x, train=train)
            x = nn.leaky_relu(x, _LEAKY_SLOPE)
        return layers[-1](x).astype(jnp.float32)

    def _patch_layers(self) -> list[nn.Conv]:
        """Convolutions: `depth` with stride 2, one without, and the one to logits."""
        first = down_conv(self.width, use_bias=True, dtype=self.dtype)
        halving = [
            down_conv(self.width * min(2**level, 8), use_bias=self._bias, dtype=self.dtype)
            for level in range(1, self.depth)
        ]
        last = self._conv(self.width * min(2**self.depth, 8), 4, use_bias=self._bias)
        return [first, *halving, last, self._conv(1, 4, use_bias=True)]

    def _pixel_layers(self) -> list[nn.Conv]:
        first = self._conv(self.width, 1, use_bias=True)
        return [first, self._conv(2 * self.width, 1, use_bias=self._bias), self._conv(1, 1)]

    @property
    def _bias(self) -> bool:
        return self.norm != "batch"

    def _conv(self, features: int, size: int, use_bias: bool = True) -> nn.Conv:
        return nn.Conv(
            features,
            (size, size),
            padding=(size - 1) // 2,
            use_bias=use_bias,
            kernel_init=kernel_init,
            dtype=self.dtype,
        )
