"""The transposed convolution against JAX's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.models.conv_transpose import conv_transpose


def plain_conv_transpose(x, kernel):
    return jax.lax.conv_transpose(
        x, kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 6), (40, 36)])
def test_conv_transpose_equals_autodiff(size):
    x = jax.random.normal(jax.random.key(0), (2, *size, 3))
    kernel = jax.random.normal(jax.random.key(1), (4, 4, 3, 5))

    def value_and_gradients(function):
        def loss(x, kernel):
            y = function(x, kernel)
            return jnp.sum(jnp.sin(y)), y

        return jax.jit(jax.grad(loss, (0, 1), has_aux=True))(x, kernel)

    ours, plain = value_and_gradients(conv_transpose), value_and_gradients(plain_conv_transpose)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-4), ours, plain)
