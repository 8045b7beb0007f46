"""The PatchGAN discriminator of Isola et al. 2017 (section 3.2.2 and 6.1.2), at several scales."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError
from pix2pix_flax.models.layers import Dtype, Norm, convolve, down_conv, initializer

_LEAKY_SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """Judges each patch of an image by a logit of its own.

    Where the collection `intermediates` is mutable, `features` in it holds the maps of all layers
    but those of logits, float32 [B, h, w, c], finest scale first.

    Attributes:
      depth: convolutions with stride 2, which set the patch (the receptive field of one logit):
        0 is the 1x1 PixelGAN, 1 the 16x16, 3 the 70x70 and 5 the 286x286 PatchGAN.
      width: channels of the first layer; they double up to 8 times as many.
      norm: `batch`, `instance`, `group` or `none`; the first and the last layer have none.
      spectral_norm: whether kernels are divided by their largest singular value, as matrices with
        a column for each output (Miyato et al. 2018, section 2.1); one power iteration a pass.
      scales: networks of this architecture: on the image, on its half, on its quarter and so on
        (Wang et al. 2018, pix2pixHD, section 3.2).
      dtype: the compute dtype; parameters are float32.
      kernel_init: how kernels start, one of `layers.INITS`.
    """

    depth: int
    width: int
    norm: str
    spectral_norm: bool
    scales: int
    dtype: Dtype = jnp.float32
    kernel_init: str = "normal"

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> list[jax.Array]:
        """Returns for each scale float32 logits [B, h, w, 1], positive for what looks real.

        Args:
          images: [B, H, W, C] in [-1, 1]; a conditional discriminator gets input and output
            concatenated along the channels.
          train: whether batch statistics are taken from this batch, and `batch_stats` moves.

        Raises:
          UserError: without a scale, and for images that are too small for a logit.
        """
        if self.scales < 1:
            raise UserError(f"config.discriminator.scales must be at least 1, not {self.scales}.")
        logits = [self._judge(images, train)]
        for _ in range(1, self.scales):
            images = _halve(images)
            logits.append(self._judge(images, train))
        if not logits[-1].size:
            raise UserError(
                "config.sizes.crop is too small for config.discriminator.depth "
                f"{self.depth} and scales {self.scales}."
            )
        return logits

    def _judge(self, images: jax.Array, train: bool) -> jax.Array:
        """Returns the logits of one scale, by layers of its own."""
        x = images.astype(self.dtype)
        layers = self._pixel_layers() if self.depth == 0 else self._patch_layers()
        for index, layer in enumerate(layers[:-1]):
            x = self._convolve(layer, x, train)
            if index:
                x = Norm(self.norm, self.dtype)(x, train=train)
            x = nn.leaky_relu(x, _LEAKY_SLOPE)
            self.sow("intermediates", "features", x.astype(jnp.float32))
        return self._convolve(layers[-1], x, train).astype(jnp.float32)

    def _convolve(self, layer: nn.Conv, x: jax.Array, train: bool) -> jax.Array:
        return convolve(layer, x, spectral_norm=self.spectral_norm, train=train)

    def _patch_layers(self) -> list[nn.Conv]:
        """Convolutions: `depth` with stride 2, one without, and the one to logits."""
        settings = {"dtype": self.dtype, "kernel_init": self.kernel_init}
        first = down_conv(self.width, use_bias=True, **settings)
        halving = [
            down_conv(self.width * min(2**level, 8), use_bias=self._bias, **settings)
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
            kernel_init=initializer(self.kernel_init),
            dtype=self.dtype,
        )


def _halve(images: jax.Array) -> jax.Array:
    """Returns every second of the means of 3x3 pixels, at the border of those there are.

    Neighbouring means overlap, so that less of what is too fine for the half is folded into it.
    """
    return nn.avg_pool(images, (3, 3), (2, 2), ((1, 1), (1, 1)), count_include_pad=False)
