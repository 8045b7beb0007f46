"""The PatchGAN discriminator of Isola et al. 2017 (sections 3.2.2 and 6.1.2), at several scales."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError
from pix2pix_flax.models.layers import (
    Dtype,
    Norm,
    convolve,
    down_conv,
    initializer,
    plain_conv,
)

_LEAKY_SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """Judges each patch of an image by one logit.

    If the collection `intermediates` is mutable, its `features` are the feature maps of all layers
    except the logits, float32 [B, h, w, c], finest scale first.

    Attributes:
      depth: number of convolutions with stride 2; it sets the size of the patch (the receptive
        field of one logit): 0 is the 1x1 PixelGAN, 1 the 16x16, 3 the 70x70 and 5 the 286x286
        PatchGAN.
      width: channels of the first layer; later layers double them, up to 8 times `width`.
      norm: `batch`, `instance`, `group` or `none`; the first and the last layer have no norm.
      spectral_norm: whether each kernel, as a matrix with one column per output channel, is divided
        by its largest singular value (Miyato et al. 2018, section 2.1); one power iteration per
        pass.
      scales: number of networks of this architecture, for the image in full size, half size,
        quarter size and so on (Wang et al. 2018, pix2pixHD, section 3.2).
      dtype: the compute dtype; parameters are float32.
      kernel_init: initializer of the kernels, a key of `layers.INITS`.
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
        """Returns the logits of each scale, float32 [B, h, w, 1]; higher means more real.

        Args:
          images: [B, H, W, C] in [-1, 1]; a conditional discriminator gets input and output
            concatenated along the channels.
          train: whether norms use the statistics of this batch, and `batch_stats` is updated.

        Raises:
          UserError: if `scales` is less than 1, or the images are too small for one logit.
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
                f"{self.depth} and scales {self.scales}: enlarge it, or lower one of the two."
            )
        return logits

    def _judge(self, images: jax.Array, train: bool) -> jax.Array:
        """Returns the logits of one scale; each scale has its own layers."""
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
        """Returns `depth` convolutions with stride 2, one with stride 1, and the one to logits."""
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
            conv_general_dilated=plain_conv,
        )


def _halve(images: jax.Array) -> jax.Array:
    """Halves images by 3x3 average pooling; means at the border are over fewer pixels.

    Neighbouring windows overlap, which reduces the aliasing of details too fine for half the size.
    """
    return nn.avg_pool(images, (3, 3), (2, 2), ((1, 1), (1, 1)), count_include_pad=False)
