"""The transposed convolution against JAX's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.models import conv_transpose as module
from pix2pix_flax.models.conv_transpose import (
    by_adjoint,
    by_single_taps,
    by_turned_maps,
    conv_transpose,
)


@pytest.fixture(params=[True, False], autouse=True)
def _devices(request, monkeypatch):
    """One device, and several, which divide batches."""
    monkeypatch.setattr(module, "is_undivided", lambda: request.param)


SIZES = [(1, 1), (2, 3), (8, 6), (40, 36)]


def plain_conv_transpose(x, kernel):
    return jax.lax.conv_transpose(
        x, kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@pytest.mark.parametrize("outputs", [5, 64])
@pytest.mark.parametrize("size", SIZES)
def test_conv_transpose_equals_autodiff(size, outputs):
    x = jax.random.normal(jax.random.key(0), (2, *size, 3))
    kernel = jax.random.normal(jax.random.key(1), (4, 4, 3, outputs))

    def value_and_gradients(function):
        def loss(x, kernel):
            y = function(x, kernel)
            return jnp.sum(jnp.sin(y)), y

        return jax.jit(jax.grad(loss, (0, 1), has_aux=True))(x, kernel)

    ours, plain = value_and_gradients(conv_transpose), value_and_gradients(plain_conv_transpose)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-4), ours, plain)


@pytest.mark.parametrize("size", SIZES)
def test_gpus_compute_the_same(size):
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (2, *size, 3))
    kernel = jax.random.normal(keys[1], (4, 4, 3, 5))
    cotangent = jax.random.normal(keys[2], (2, 2 * size[0], 2 * size[1], 5))
    found = by_adjoint(x, kernel), *by_turned_maps(x, kernel, cotangent)
    expected = plain_conv_transpose(x, kernel), *by_single_taps(x, kernel, cotangent)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())
