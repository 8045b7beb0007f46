"""Levels to floats in [-1, 1] and back."""

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax.image.normalize import denormalize, normalize


def test_normalize_and_back_for_every_level():
    levels = np.arange(256, dtype=np.uint8)
    values = jax.jit(normalize)(levels)
    assert values.dtype == jnp.float32
    np.testing.assert_allclose(values, np.arange(256) / 127.5 - 1, atol=1e-7)
    assert (values[0], values[-1]) == (-1, 1)
    back = jax.jit(denormalize)(values)
    assert back.dtype == jnp.uint8
    np.testing.assert_array_equal(back, levels)


def test_denormalize_rounds_and_stays_in_range():
    level = 2 / 255
    values = jnp.array([-1.5, -1 + 0.4 * level, -1 + 0.6 * level, 1 - 0.4 * level, 1.5])
    np.testing.assert_array_equal(denormalize(values), [0, 0, 1, 255, 255])
