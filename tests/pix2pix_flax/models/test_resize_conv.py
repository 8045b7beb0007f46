"""The form in a training against the form after it and against Flax's layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.models.layers import ResizeConv
from pix2pix_flax.models.resize_conv import by_sums, resize_conv
from tests.pix2pix_flax.models.gradients import assert_same

SIZES = [(1, 1), (2, 3), (8, 6)]


def arrays(size):
    keys = jax.random.split(jax.random.key(0), 2)
    return jax.random.normal(keys[0], (2, *size, 3)), jax.random.normal(keys[1], (3, 3, 3, 5))


def of_doubled(x, kernel):
    return nn.Conv(5, (3, 3), use_bias=False).apply(
        {"params": {"kernel": kernel}}, x.repeat(2, 1).repeat(2, 2)
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", [by_sums, resize_conv])
def test_values_and_gradients_are_those_of_the_doubled_map(form, size):
    assert_same(form, of_doubled, *arrays(size))


def test_the_layer_is_a_convolution_of_the_doubled_map():
    x, kernel = arrays((4, 6))
    layer = ResizeConv(5, kernel_init="normal")
    variables = layer.init(jax.random.key(0), x)
    assert jax.tree.map(jnp.shape, variables) == {
        "params": {"Conv_0": {"kernel": (3, 3, 3, 5), "bias": (5,)}}
    }
    params = {"kernel": kernel, "bias": jnp.arange(5.0)}
    expected = nn.Conv(5, (3, 3)).apply({"params": params}, x.repeat(2, 1).repeat(2, 2))
    found = layer.apply({"params": {"Conv_0": params}}, x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
