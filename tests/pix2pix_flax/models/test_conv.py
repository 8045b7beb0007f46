"""The convolution and its gradients against JAX's own."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.models import conv as conv_module
from pix2pix_flax.models.conv import by_examples, by_maps, conv
from tests.pix2pix_flax.models.gradients import assert_same


def plain(x, kernel, strides, padding):
    numbers = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=numbers)


@pytest.fixture(params=[True, False], autouse=True)
def _devices(request, monkeypatch):
    """One device, and several, which divide batches."""
    monkeypatch.setattr(conv_module, "is_undivided", lambda: request.param)


def arrays(size, inputs, outputs):
    keys = jax.random.split(jax.random.key(0), 2)
    x = jax.random.normal(keys[0], (3, 9, 12, inputs))
    return x, jax.random.normal(keys[1], (size, size, inputs, outputs))


@pytest.mark.parametrize("channels", [(3, 5), (64, 64)])
@pytest.mark.parametrize(
    ("size", "strides", "padding"),
    [
        (4, (2, 2), ((1, 1), (1, 1))),
        (4, (1, 1), ((1, 1), (1, 1))),
        (3, (1, 2), "SAME"),
        (3, (1, 1), "VALID"),
        (1, (1, 1), ((0, 0), (2, 1))),
    ],
)
def test_values_and_gradients_are_those_of_autodiff(size, strides, padding, channels):
    settings = {"strides": strides, "padding": padding}
    found, expected = jax.jit(lambda *x: conv(*x, strides, padding)), partial(plain, **settings)
    assert_same(found, expected, *arrays(size, *channels))


def test_both_forms_of_the_kernels_gradient_are_the_same():
    x, kernel = arrays(4, 3, 5)
    cotangent = jnp.sin(plain(x, kernel, (2, 2), "SAME"))
    found, expected = (
        form(x, kernel, cotangent, (2, 2), "SAME") for form in (by_examples, by_maps)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * abs(expected).max())


def test_gradients_have_gradients():
    """Gradient penalties differentiate twice."""
    x, kernel = arrays(3, 64, 64)

    def penalty(kernel, function):
        energy = lambda x: jnp.sum(jnp.sin(function(x, kernel, (1, 1), "SAME")))  # noqa: E731
        return jnp.sum(jax.grad(energy)(x) ** 2)

    found, expected = (jax.grad(penalty)(kernel, form) for form in (conv, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * abs(expected).max())
