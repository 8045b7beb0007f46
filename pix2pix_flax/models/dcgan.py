"""The networks of DCGAN (Radford et al. 2016, arXiv:1511.06434), for any size 4 * 2**depth."""

import math
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.models.layers import Dtype, Norm, convolve, down_conv, initializer, up_conv

_START = 4  # height and width of the first feature maps of G and of the last ones of D
_LEAKY_SLOPE = 0.2
_TINY = 1e-8  # keeps the gradient of the square root finite where images are equal


class DCGANGenerator(nn.Module):
    """Makes square images from noise, with sides of 4 * 2**depth pixels (figure 1).

    Attributes:
      depth: number of times that the 4x4 feature maps double in size; 4 for 64x64 pixels.
      width: channels of the last feature maps, 128 in the paper; the first ones have
        2**(depth - 1) times as many.
      out_channels: channels of the image.
      norm: `batch` (the paper's), `instance`, `group` or `none`; the last layer has no norm.
      upsample: `transpose` (the paper's) or `resize`.
      dtype: the compute dtype; parameters are float32.
      kernel_init: initializer of the kernels, a key of `layers.INITS`.
    """

    depth: int
    width: int
    out_channels: int
    norm: str
    upsample: str
    dtype: Dtype = jnp.float32
    kernel_init: str = "normal"

    input_kind: ClassVar[str] = "latent"

    @nn.compact
    def __call__(self, latents: jax.Array, *, train: bool) -> jax.Array:
        """Returns images float32 [B, H, W, out_channels] in [-1, 1].

        Args:
          latents: noise [B, Z].
          train: whether norms use the statistics of this batch, and `batch_stats` is updated.
        """
        settings = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        channels = [self.width * 2**level for level in reversed(range(self.depth))]
        x = nn.Dense(
            _START**2 * channels[0],
            use_bias=self._bias,
            kernel_init=initializer(self.kernel_init),
            dtype=self.dtype,
        )(latents)
        x = self._activate(x.reshape(len(x), _START, _START, channels[0]), train)
        for features in channels[1:]:
            x = up_conv(self.upsample, 4, features, use_bias=self._bias, **settings)(x)
            x = self._activate(x, train)
        x = up_conv(self.upsample, 4, self.out_channels, use_bias=True, **settings)(x)
        return jnp.tanh(x.astype(jnp.float32))

    def _activate(self, x: jax.Array, train: bool) -> jax.Array:
        return nn.relu(Norm(self.norm, self.dtype)(x, train=train))

    @property
    def _bias(self) -> bool:
        return self.norm != "batch"


class DCGANDiscriminator(nn.Module):
    """Judges an image with sides of 4 * 2**depth pixels by one logit, a larger one by several.

    If the collection `intermediates` is mutable, its `features` are the feature maps of all layers
    except the logit, float32 [B, h, w, c].

    Attributes:
      depth: number of convolutions with stride 2; 4 for 64x64 pixels.
      width: channels of the first layer; each later layer doubles them.
      norm: `batch` (the paper's), `instance`, `group` or `none`; the first and the last layer have
        no norm.
      spectral_norm: whether each kernel is divided by its largest singular value (Miyato et al.
        2018, section 2.1); one power iteration per pass.
      deviation_group: number of images that the last layer compares with each other by
        `append_deviation`; 0: each image is judged alone.
      dtype: the compute dtype; parameters are float32.
      kernel_init: initializer of the kernels, a key of `layers.INITS`.
    """

    depth: int
    width: int
    norm: str
    spectral_norm: bool
    deviation_group: int
    dtype: Dtype = jnp.float32
    kernel_init: str = "normal"

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> list[jax.Array]:
        """Returns one array of logits, float32 [B, h, w, 1]; higher means more real.

        Args:
          images: [B, H, W, C] in [-1, 1].
          train: whether norms use the statistics of this batch, and `batch_stats` is updated.
        """
        x = images.astype(self.dtype)
        settings = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        for level in range(self.depth):
            normed = self.norm if level else "none"
            layer = down_conv(self.width * 2**level, use_bias=normed != "batch", **settings)
            x = Norm(normed, self.dtype)(self._convolve(layer, x, train), train=train)
            x = nn.leaky_relu(x, _LEAKY_SLOPE)
            self.sow("intermediates", "features", x.astype(jnp.float32))
        if self.deviation_group:
            x = append_deviation(x, self.deviation_group)
        last = nn.Conv(
            1,
            (_START, _START),
            padding="VALID",
            kernel_init=initializer(self.kernel_init),
            dtype=self.dtype,
        )
        return [self._convolve(last, x, train).astype(jnp.float32)]

    def _convolve(self, layer: nn.Conv, x: jax.Array, train: bool) -> jax.Array:
        return convolve(layer, x, spectral_norm=self.spectral_norm, train=train)


def append_deviation(x: jax.Array, group: int) -> jax.Array:
    """Appends a channel that tells how much the images of a group differ.

    The channel is the standard deviation of each feature over the group, averaged over all features
    and pixels (Karras et al. 2018, arXiv:1710.10196, section 3). A discriminator that has it can
    reject generated images that are all alike, so the generator makes them differ.

    Args:
      x: feature maps [B, h, w, c].
      group: number of images in a group. If B is no multiple of it, the groups are smaller: the
        greatest common divisor of both. A group holds images that are evenly spaced in the batch.

    Returns:
      [B, h, w, c + 1] of the same dtype; the last channel of an image is constant.
    """
    groups = x.astype(jnp.float32).reshape(math.gcd(group, len(x)), -1, *x.shape[1:])
    deviation = jnp.sqrt(groups.var(axis=0) + _TINY).mean(axis=(1, 2, 3))
    channel = jnp.tile(deviation, len(groups)).reshape(-1, 1, 1, 1).astype(x.dtype)
    return jnp.concatenate([x, jnp.broadcast_to(channel, (*x.shape[:3], 1))], axis=-1)
