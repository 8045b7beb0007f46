"""Layers that the generators and discriminators share."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.models.conv_transpose import conv_transpose

Dtype = Any
NORMS = ("batch", "instance", "group", "none")

# Isola et al. 2017, section 6.2: weights start from N(0, 0.02), BatchNorm scales from N(1, 0.02).
kernel_init = nn.initializers.normal(0.02)


def scale_init(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32) -> jax.Array:
    """Returns normalisation scales drawn from N(1, 0.02)."""
    return 1.0 + 0.02 * jax.random.normal(key, shape, dtype)


class Norm(nn.Module):
    """Normalises [B, H, W, C] per channel.

    Attributes:
      kind: `batch` (statistics of the batch while training, running ones after), `instance`
        (each image and channel by itself), `group` (32 groups, or one channel a group where there
        are fewer channels) or `none`.
      dtype: the compute dtype; statistics are always taken in float32.
    """

    kind: str = "batch"
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Returns the normalised `x`, same shape; moves `batch_stats` when `train`."""
        if self.kind == "none":
            return x
        settings = {"epsilon": 1e-5, "scale_init": scale_init, "dtype": self.dtype}
        if self.kind == "batch":
            return nn.BatchNorm(use_running_average=not train, momentum=0.9, **settings)(x)
        channels = x.shape[-1]
        groups = {"instance": channels, "group": min(32, channels)}
        if self.kind not in groups:
            raise ValueError(f"norm must be one of {', '.join(NORMS)}, not {self.kind!r}.")
        return nn.GroupNorm(num_groups=groups[self.kind], **settings)(x)


class ConvTranspose(nn.Module):
    """A 4x4 transposed convolution with stride 2, as in the paper: [B, H, W, C] doubles in size."""

    features: int
    use_bias: bool = True
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns [B, 2H, 2W, features]."""
        kernel = self.param("kernel", kernel_init, (4, 4, x.shape[-1], self.features))
        y = conv_transpose(x.astype(self.dtype), kernel.astype(self.dtype))
        if self.use_bias:
            y += self.param("bias", nn.initializers.zeros, (self.features,)).astype(self.dtype)
        return y


class ResizeConv(nn.Module):
    """Nearest-neighbour doubling and a 3x3 convolution: no checkerboards (Odena et al. 2016)."""

    features: int
    use_bias: bool = True
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns [B, 2H, 2W, features]."""
        x = x.repeat(2, axis=1).repeat(2, axis=2)
        convolution = nn.Conv(
            self.features, (3, 3), use_bias=self.use_bias, kernel_init=kernel_init, dtype=self.dtype
        )
        return convolution(x)


UPSAMPLES = {"resize": ResizeConv, "transpose": ConvTranspose}


def down_conv(features: int, *, use_bias: bool, dtype: Dtype, name: str | None = None) -> nn.Conv:
    """Makes the paper's 4x4 convolution with stride 2 and one pixel of zero padding."""
    return nn.Conv(
        features,
        (4, 4),
        strides=2,
        padding=1,
        use_bias=use_bias,
        kernel_init=kernel_init,
        dtype=dtype,
        name=name,
    )
