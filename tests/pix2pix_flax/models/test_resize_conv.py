"""The form of GPUs against the form of CPUs and against Flax's layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.models.layers import ResizeConv
from pix2pix_flax.models.resize_conv import by_sums, gradients_by_sums, resize_conv

SIZES = [(1, 1), (2, 3), (8, 6)]


def arrays(size):
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (2, *size, 3))
    kernel = jax.random.normal(keys[1], (3, 3, 3, 5))
    cotangent = jax.random.normal(keys[2], (2, 2 * size[0], 2 * size[1], 5))
    return x, kernel, cotangent


@pytest.mark.parametrize("size", SIZES)
def test_sums_of_taps_see_the_pixels_before_they_are_doubled(size):
    x, kernel, cotangent = arrays(size)
    doubled, pull_back = jax.vjp(resize_conv, x, kernel)
    found = by_sums(x, kernel), *gradients_by_sums(x, kernel, cotangent)
    for a, b in zip(found, (doubled, *pull_back(cotangent)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())


def test_the_layer_is_a_convolution_of_the_doubled_map():
    x, kernel, _ = arrays((4, 6))
    layer = ResizeConv(5, kernel_init="normal")
    variables = layer.init(jax.random.key(0), x)
    assert jax.tree.map(jnp.shape, variables) == {
        "params": {"Conv_0": {"kernel": (3, 3, 3, 5), "bias": (5,)}}
    }
    params = {"kernel": kernel, "bias": jnp.arange(5.0)}
    expected = nn.Conv(5, (3, 3)).apply({"params": params}, x.repeat(2, 1).repeat(2, 2))
    found = layer.apply({"params": {"Conv_0": params}}, x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
