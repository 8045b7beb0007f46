"""The networks of R3GAN (Huang et al. 2024, arXiv:2501.05441, section 4): residual, without norms.

The first two convolutions of a block keep the variance (He et al. 2015), divided by the number of
blocks; the last one starts at zero, so that the network starts as a chain of resamplings (fix-up,
Zhang et al. 2019). Biases stand before the activations only. Deviation: at
edges the resampling filter repeats the outermost pixel, where the authors' code reads zeros.
"""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError
from pix2pix_flax.models.grouped_conv import grouped_conv
from pix2pix_flax.models.layers import Dtype

_START = 4  # height and width of the first feature maps of G and of the last ones of D
_LEAKY_SLOPE = 0.2
_GAIN = (2 / (1 + _LEAKY_SLOPE**2)) ** 0.5  # keeps the variance through the activation
_EXPANSION = 2  # channels in the middle of a block, divided by the channels around it
_SCALED_LAYERS = 2  # of a block: its last layer starts at zero


class _Convolution(nn.Module):
    """A convolution without bias, whose output has `gain**2` times the variance of its input."""

    features: int
    size: int
    gain: float
    groups: int
    dtype: Dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        he = nn.initializers.variance_scaling(self.gain**2, "fan_in", "normal")
        return nn.Conv(
            self.features,
            (self.size, self.size),
            feature_group_count=self.groups,
            use_bias=False,
            kernel_init=he if self.gain else nn.initializers.zeros,
            dtype=self.dtype,
            conv_general_dilated=grouped_conv,
        )(x)


class _Block(nn.Module):
    """A residual block: 1x1, activation, grouped 3x3, activation, 1x1 (figure 3).

    Attributes:
      blocks: number of blocks of the network.
      group_width: channels of a group of the 3x3 convolution.
      dtype: the compute dtype.
    """

    blocks: int
    group_width: int
    dtype: Dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1]
        inner = _EXPANSION * channels
        gain = _GAIN * self.blocks ** (-1 / (2 * _SCALED_LAYERS))
        if inner % self.group_width:
            raise UserError(
                f"group_width must divide {inner}, the channels inside a block, but is "
                f"{self.group_width}: change config.generator or config.discriminator."
            )
        groups = inner // self.group_width
        y = _Convolution(inner, 1, gain, 1, self.dtype)(x)
        y = _Convolution(inner, 3, gain, groups, self.dtype)(self._activate(y, "bias0"))
        return x + _Convolution(channels, 1, 0.0, 1, self.dtype)(self._activate(y, "bias1"))

    def _activate(self, x: jax.Array, name: str) -> jax.Array:
        bias = self.param(name, nn.initializers.zeros, (x.shape[-1],))
        return nn.leaky_relu(x + bias.astype(x.dtype), _LEAKY_SLOPE)


class R3GANGenerator(nn.Module):
    """Makes square images from noise, with sides of 4 * 2**depth pixels.

    Attributes:
      depth: number of times that the 4x4 feature maps double in size; 4 for 64x64 pixels.
      width: channels of the last feature maps, 384 in the paper; all others have twice as many.
      blocks: residual blocks for each size, 2 in the paper.
      group_width: channels of a group of the 3x3 convolutions, 16 in the paper; it divides
        2 * width.
      out_channels: channels of the image.
      dtype: the compute dtype; parameters are float32.
    """

    depth: int
    width: int
    blocks: int
    group_width: int
    out_channels: int
    dtype: Dtype = jnp.float32

    input_kind: ClassVar[str] = "latent"

    @nn.compact
    def __call__(self, latents: jax.Array, *, train: bool) -> jax.Array:
        """Returns images float32 [B, H, W, out_channels], in [-1, 1] after training.

        Args:
          latents: noise [B, Z].
          train: unused; the network is the same in training and afterwards.
        """
        del train
        channels = [2 * self.width] * self.depth + [self.width]
        basis = self.param("basis", nn.initializers.normal(1.0), (_START, _START, channels[0]))
        he = nn.initializers.variance_scaling(1.0, "fan_in", "normal")
        dense = nn.Dense(channels[0], use_bias=False, kernel_init=he, dtype=self.dtype)
        x = basis.astype(self.dtype) * dense(latents)[:, None, None]
        total = self.blocks * len(channels)
        for stage, features in enumerate(channels):
            if stage:
                x = upsample(_to_channels(x, features, self.dtype))
            for _ in range(self.blocks):
                x = _Block(total, self.group_width, self.dtype)(x)
        return _Convolution(self.out_channels, 1, 1.0, 1, self.dtype)(x).astype(jnp.float32)


class R3GANDiscriminator(nn.Module):
    """Judges an image with sides of 4 * 2**depth pixels by one logit, a larger one by several.

    If the collection `intermediates` is mutable, its `features` are the feature maps of each size,
    float32 [B, h, w, c].

    Attributes:
      depth: number of times that the feature maps are halved; 4 for 64x64 pixels.
      width: channels of the first feature maps, 384 in the paper; all others have twice as many.
      blocks: residual blocks for each size, 2 in the paper.
      group_width: channels of a group of the 3x3 convolutions, 16 in the paper; it divides
        2 * width.
      dtype: the compute dtype; parameters are float32.
    """

    depth: int
    width: int
    blocks: int
    group_width: int
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> list[jax.Array]:
        """Returns one array of logits, float32 [B, h, w, 1]; higher means more real.

        Args:
          images: [B, H, W, C] in [-1, 1].
          train: unused; the network is the same in training and afterwards.
        """
        del train
        channels = [self.width] + [2 * self.width] * self.depth
        x = _Convolution(channels[0], 1, 1.0, 1, self.dtype)(images.astype(self.dtype))
        total = self.blocks * len(channels)
        for stage, features in enumerate(channels):
            if stage:
                x = _to_channels(downsample(x), features, self.dtype)
            for _ in range(self.blocks):
                x = _Block(total, self.group_width, self.dtype)(x)
            self.sow("intermediates", "features", x.astype(jnp.float32))
        x = nn.Conv(
            channels[-1],
            (_START, _START),
            padding="VALID",
            feature_group_count=channels[-1],
            use_bias=False,
            kernel_init=nn.initializers.variance_scaling(1.0, "fan_in", "normal"),
            dtype=self.dtype,
            conv_general_dilated=grouped_conv,
        )(x)
        return [_Convolution(1, 1, 1.0, 1, self.dtype)(x).astype(jnp.float32)]


def _to_channels(x: jax.Array, features: int, dtype: Dtype) -> jax.Array:
    """Returns `x` with another number of channels, by a 1x1 convolution if it has to change."""
    return x if x.shape[-1] == features else _Convolution(features, 1, 1.0, 1, dtype)(x)


def upsample(x: jax.Array) -> jax.Array:
    """Returns [B, 2H, 2W, C]: the filter [1, 2, 1] on `x` with zeros between its pixels."""
    for axis in (1, 2):
        after = _shifted(x, 1, axis)
        shape = list(x.shape)
        shape[axis] *= 2
        x = jnp.stack([x, 0.5 * (x + after)], axis=axis + 1).reshape(shape)
    return x


def downsample(x: jax.Array) -> jax.Array:
    """Returns [B, H/2, W/2, C]: every other pixel after the filter [1, 2, 1] / 4; even H and W."""
    for axis in (1, 2):
        blurred = 0.25 * _shifted(x, -1, axis) + 0.5 * x + 0.25 * _shifted(x, 1, axis)
        x = jax.lax.slice_in_dim(blurred, 0, None, stride=2, axis=axis)
    return x


def _shifted(x: jax.Array, step: int, axis: int) -> jax.Array:
    """Returns the neighbour before (-1) or after (1) each pixel; edges repeat themselves."""
    length = x.shape[axis]
    return jnp.take(x, jnp.clip(jnp.arange(length) + step, 0, length - 1), axis=axis)
