"""Compares functions of maps and a kernel, and their gradients."""

import jax
import jax.numpy as jnp
import numpy as np


def assert_same(function, expected, x, kernel):
    """Compares the values and both gradients of two functions, to 1e-5 of the largest number."""
    values, pull_back = jax.vjp(expected, x, kernel)
    found, pull_back_found = jax.vjp(function, x, kernel)
    cotangent = jnp.sin(values)
    pairs = zip(pull_back_found(cotangent), pull_back(cotangent), strict=True)
    for a, b in ((found, values), *pairs):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())
