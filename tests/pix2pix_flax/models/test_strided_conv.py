"""The strided convolution and its gradients against JAX's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.models.layers import down_conv
from pix2pix_flax.models.strided_conv import strided_conv
from tests.pix2pix_flax.models.gradients import assert_same

SIZES = [(2, 2), (4, 6), (9, 7), (5, 16), (40, 36)]


def plain(x, kernel):
    return jax.lax.conv_general_dilated(
        x, kernel, (2, 2), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def arrays(size):
    keys = jax.random.split(jax.random.key(0), 2)
    return jax.random.normal(keys[0], (2, *size, 3)), jax.random.normal(keys[1], (4, 4, 3, 5))


@pytest.mark.parametrize("size", SIZES)
def test_values_and_gradients_are_those_of_autodiff(size):
    assert_same(jax.jit(strided_conv), plain, *arrays(size))


def test_gradients_have_gradients():
    """Gradient penalties differentiate twice."""
    x, kernel = arrays((6, 4))

    def penalty(kernel, function):
        return jnp.sum(jax.grad(lambda x: jnp.sum(jnp.sin(function(x, kernel))))(x) ** 2)

    found, expected = (jax.grad(penalty)(kernel, form) for form in (strided_conv, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_the_layer_has_a_bias_and_a_dtype():
    x, kernel = arrays((6, 4))
    layer = down_conv(5, use_bias=True, kernel_init="normal", dtype=jnp.bfloat16)
    variables = layer.init(jax.random.key(0), x)
    assert jax.tree.map(jnp.shape, variables) == {"params": {"kernel": kernel.shape, "bias": (5,)}}
    found = layer.apply({"params": {"kernel": kernel, "bias": jnp.arange(5.0)}}, x)
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(found, plain(x, kernel) + jnp.arange(5.0), rtol=0.02, atol=0.2)
