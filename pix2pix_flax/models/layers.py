"""Layers that the generators and discriminators share."""

from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from cartoon_tfds.errors import choose
from pix2pix_flax.models.conv import conv
from pix2pix_flax.models.conv_transpose import conv_transpose
from pix2pix_flax.models.resize_conv import resize_conv
from pix2pix_flax.models.strided_conv import strided_conv

Dtype = Any
_GAIN = 0.02  # the standard deviation in the paper's code

INITS: dict[str, Callable[[int, int], nn.initializers.Initializer]] = {
    "normal": lambda inputs, outputs: nn.initializers.normal(_GAIN),
    "xavier": lambda inputs, outputs: nn.initializers.variance_scaling(
        _GAIN**2, "fan_avg", "normal", inputs, outputs
    ),
    "kaiming": lambda inputs, outputs: nn.initializers.variance_scaling(
        2.0, "fan_in", "normal", inputs, outputs
    ),
    "orthogonal": lambda inputs, outputs: nn.initializers.orthogonal(_GAIN, column_axis=outputs),
}
"""Initializers of kernels by name; their arguments are the input axis and the output axis."""


def initializer(kind: str, *, transposed: bool = False) -> nn.initializers.Initializer:
    """Returns the initializer of this kind for kernels.

    Args:
      kind: `normal` (N(0, 0.02), Isola et al. 2017, section 6.2), `xavier` (normal, Glorot and
        Bengio 2010) or `orthogonal` (Saxe et al. 2013), both times 0.02, or `kaiming` (normal, for
        ReLU, He et al. 2015). No distribution is truncated.
      transposed: whether the kernel is for a transposed convolution. As in PyTorch, fans are
        then counted for the convolution that it transposes: inputs and outputs change places.

    Raises:
      UserError: if the kind is unknown.
    """
    inputs, outputs = (-1, -2) if transposed else (-2, -1)
    return choose(INITS, "kernel_init", kind)(inputs, outputs)


def scale_init(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32) -> jax.Array:
    """Returns normalisation scales drawn from N(1, 0.02), as in the paper."""
    return 1.0 + 0.02 * jax.random.normal(key, shape, dtype)


class Norm(nn.Module):
    """Normalises [B, H, W, C] per channel.

    Attributes:
      kind: `batch` (statistics of the batch in training, running statistics afterwards),
        `instance` (each image and channel separately), `group` (32 groups; fewer than 32 channels
        have one group each) or `none`.
      dtype: the compute dtype; statistics are always computed in float32.
    """

    kind: str = "batch"
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Returns the normalised `x`, same shape; `train` updates `batch_stats` of kind `batch`."""
        settings = {"epsilon": 1e-5, "scale_init": scale_init, "dtype": self.dtype}
        return choose(NORMS, "norm", self.kind)(x, train, settings)


def _batch_norm(x: jax.Array, train: bool, settings: dict[str, Any]) -> jax.Array:
    return nn.BatchNorm(use_running_average=not train, momentum=0.9, **settings)(x)


def _instance_norm(x: jax.Array, train: bool, settings: dict[str, Any]) -> jax.Array:
    return nn.GroupNorm(num_groups=x.shape[-1], **settings)(x)


def _group_norm(x: jax.Array, train: bool, settings: dict[str, Any]) -> jax.Array:
    return nn.GroupNorm(num_groups=min(32, x.shape[-1]), **settings)(x)


def _no_norm(x: jax.Array, train: bool, settings: dict[str, Any]) -> jax.Array:
    return x


NORMS: dict[str, Callable[[jax.Array, bool, dict[str, Any]], jax.Array]] = {
    "batch": _batch_norm,
    "instance": _instance_norm,
    "group": _group_norm,
    "none": _no_norm,
}
"""Normalisations by name; they create submodules of `Norm`, so only `Norm` calls them."""


class ConvTranspose(nn.Module):
    """A transposed convolution with stride 2, which doubles height and width.

    Attributes:
      features: channels of the output.
      size: size of the kernel, 4 (Isola et al. 2017) or 3 (Johnson et al. 2016).
      kernel_init: initializer of the kernel, a key of `INITS`.
      use_bias: whether a bias is added.
      dtype: the compute dtype.
    """

    features: int
    size: int
    kernel_init: str
    use_bias: bool = True
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns [B, 2H, 2W, features]."""
        shape = (self.size, self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", initializer(self.kernel_init, transposed=True), shape)
        # A 3x3 kernel equals a 4x4 kernel whose furthest taps are zero.
        kernel = jnp.pad(kernel, [(4 - self.size, 0)] * 2 + [(0, 0)] * 2)
        y = conv_transpose(x.astype(self.dtype), kernel.astype(self.dtype))
        if self.use_bias:
            y += self.param("bias", nn.initializers.zeros, (self.features,)).astype(self.dtype)
        return y


def _of_maps_and_kernel(convolution: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """Returns the convolution for a `flax.linen.Conv`, which gives further arguments."""
    return lambda x, kernel, *_, **__: convolution(x, kernel)


def plain_conv(
    x: jax.Array, kernel: jax.Array, strides: Sequence[int], padding: Any, **_: Any
) -> jax.Array:
    """Returns `models.conv.conv` for a `flax.linen.Conv` without dilation and groups."""
    padding = padding if isinstance(padding, str) else tuple(padding)
    return conv(x, kernel, tuple(strides), padding)


class ResizeConv(nn.Module):
    """Nearest-neighbour doubling and a 3x3 convolution: no checkerboards (Odena et al. 2016).

    Attributes:
      features: channels of the output.
      kernel_init: initializer of the kernel, a key of `INITS`.
      use_bias: whether a bias is added.
      dtype: the compute dtype.
    """

    features: int
    kernel_init: str
    use_bias: bool = True
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns [B, 2H, 2W, features]."""
        convolution = nn.Conv(
            self.features,
            (3, 3),
            use_bias=self.use_bias,
            kernel_init=initializer(self.kernel_init),
            dtype=self.dtype,
            conv_general_dilated=_of_maps_and_kernel(resize_conv),
        )
        return convolution(x)


def _transposed(features: int, size: int, **settings: Any) -> nn.Module:
    return ConvTranspose(features, size, **settings)


def _resized(features: int, size: int, **settings: Any) -> nn.Module:
    del size  # always 3x3
    return ResizeConv(features, **settings)


UPSAMPLES: dict[str, Callable[..., nn.Module]] = {"resize": _resized, "transpose": _transposed}
"""Layers that double height and width, by name."""


def up_conv(upsample: str, size: int, features: int, **settings: Any) -> nn.Module:
    """Makes a layer that doubles height and width.

    Args:
      upsample: `transpose` (as in the papers) or `resize`.
      size: size of the kernel of `transpose`; `resize` always has 3x3.
      features: channels of the output.
      **settings: `kernel_init`, `use_bias`, `dtype` and `name` of the layer.

    Raises:
      UserError: if `upsample` is unknown.
    """
    return choose(UPSAMPLES, "upsample", upsample)(features, size, **settings)


def down_conv(
    features: int, *, use_bias: bool, kernel_init: str, dtype: Dtype, name: str | None = None
) -> nn.Conv:
    """Makes a 4x4 convolution with stride 2 and one pixel of zero padding, as in the paper."""
    return nn.Conv(
        features,
        (4, 4),
        strides=2,
        padding=1,
        use_bias=use_bias,
        kernel_init=initializer(kernel_init),
        dtype=dtype,
        name=name,
        conv_general_dilated=_of_maps_and_kernel(strided_conv),
    )


def convolve(layer: nn.Conv, x: jax.Array, *, spectral_norm: bool, train: bool) -> jax.Array:
    """Returns `layer(x)`, with spectral normalisation of the kernel if `spectral_norm`.

    The kernel, as a matrix with one column per output channel, is divided by its largest singular
    value (Miyato et al. 2018, section 2.1). One power iteration per pass estimates this value;
    `train` stores the vectors of the iteration.
    """
    return nn.SpectralNorm(layer)(x, update_stats=train) if spectral_norm else layer(x)


def stage(method: Callable[..., jax.Array], remat: bool) -> Callable[..., jax.Array]:
    """Returns `method`, or if `remat` a version that uses less memory for gradients.

    With `remat`, no intermediate result of the method is kept; the backward pass computes them
    again (Chen et al. 2016, arXiv:1604.06174). XLA's CPU backend removes this second computation,
    so it saves no memory there.

    Args:
      method: method of a module, called as `method(module, index, train, *arrays)`.
      remat: whether to recompute.
    """
    return nn.remat(method, static_argnums=(1, 2)) if remat else method
