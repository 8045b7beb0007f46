"""LPIPS, the learned perceptual distance of Zhang et al. 2018 (arXiv:1801.03924), version 0.1."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from cartoon_tfds.errors import UserError
from pix2pix_flax.models.frozen import alexnet, vgg

# The normalisation that both networks were trained with, expressed for images in [-1, 1].
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10

_NETS = {
    "alexnet": (alexnet.AlexNet, alexnet.MIN_SIZE),
    "vgg16": (vgg.VGG16, vgg.MIN_SIZE),
}


def lpips(
    params: dict[str, Any],
    a: jax.Array,
    b: jax.Array,
    *,
    net: str,
    precision: lax.PrecisionLike = lax.Precision.HIGHEST,
) -> jax.Array:
    """Returns the LPIPS distance of each pair of images, eq. 1 of the paper; lower is more similar.

    Args:
      params: Frozen weights, as `weights.load_lpips_weights(net)` returns them. Hand them to
        `jax.jit` as an argument: closing over them makes XLA fold constants for minutes.
      a: [B, H, W, 3] images in [-1, 1], at least 31x31 for 'alexnet', 16x16 for 'vgg16'.
      b: [B, H, W, 3] images in [-1, 1], the same shape.
      net: 'alexnet' or 'vgg16'.
      precision: Precision of the convolutions. A metric has to give the same number on every
        machine, so the default is full float32; a loss may take None, the device's default.

    Returns:
      [B] float32, >= 0, and 0 for equal images.

    Raises:
      UserError: The images are too small for the network.
      ValueError: The shapes differ, or are not [B, H, W, 3].
    """
    module, smallest = _NETS[net]
    if a.shape != b.shape or a.ndim != 4 or a.shape[-1] != 3:
        raise ValueError(f"LPIPS takes two batches [B, H, W, 3], not {a.shape} and {b.shape}")
    if min(a.shape[1:3]) < smallest:
        raise UserError(f"LPIPS with {net} needs {smallest}x{smallest} or more, not {a.shape}")
    features = functools.partial(module(precision=precision).apply, {"params": params["features"]})
    distance = jnp.zeros(a.shape[0], jnp.float32)
    for i, (x, y) in enumerate(zip(features(_normalise(a)), features(_normalise(b)), strict=True)):
        squared = (_unit_length(x) - _unit_length(y)) ** 2
        # The 1x1 convolution of the paper's head is a weighted sum over channels.
        distance += jnp.mean(squared @ params["heads"][str(i)], axis=(1, 2))
    return distance


def features(params: dict[str, Any], images: jax.Array, *, net: str) -> tuple[jax.Array, ...]:
    """Returns the five rectified feature maps that LPIPS compares.

    Args:
      params: frozen weights, as `weights.load_lpips_weights(net)` returns them.
      images: [B, H, W, 3] in [-1, 1], at least as large as `lpips` needs.
      net: 'alexnet' or 'vgg16' (see `VGG16.__call__` for its maps).
    """
    module, _ = _NETS[net]
    return module().apply({"params": params["features"]}, _normalise(images))


def _normalise(images: jax.Array) -> jax.Array:
    shift, scale = (jnp.asarray(v, jnp.float32) for v in (_SHIFT, _SCALE))
    return (images.astype(jnp.float32) - shift) / scale


def _unit_length(features: jax.Array) -> jax.Array:
    """Scales each pixel's feature vector to length one.

    The square root is taken of epsilon^2 or more, which changes no value. Without this, its
    gradient at an all-zero vector is infinite and becomes NaN in the chain rule, at which
    `jax.debug_nans` stops.
    """
    squared = jnp.sum(features**2, axis=-1, keepdims=True)
    return features / (jnp.sqrt(jnp.maximum(squared, _EPSILON**2)) + _EPSILON)
