import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.models.enlargement import FULL_CONTRAST, enlarged, redrawn


@pytest.mark.parametrize("scale", [2, 3, 5])
def test_images_are_enlarged_by_linear_interpolation(scale):
    images = jax.random.normal(jax.random.key(0), (2, 8, 12, 4))
    expected = jax.image.resize(images, (2, 8 * scale, 12 * scale, 4), "linear")
    np.testing.assert_allclose(enlarged(images, scale), expected, atol=1e-5)


def edge(low, high):
    """A vertical edge, float32 [1, 8, 16, 3]."""
    row = jnp.where(jnp.arange(16) < 8, low, high).astype(jnp.float32)
    return jnp.broadcast_to(row[:, jnp.newaxis], (1, 8, 16, 3))


def steepest(images):
    return float(np.abs(np.diff(images[0, 0, :, 0])).max())


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_contour_stays_as_sharp(scale):
    small = edge(-0.5, 0.5)
    assert steepest(redrawn(small, scale)) > 0.6 * steepest(small)
    assert steepest(enlarged(small, scale)) < 1.01 / scale * steepest(small)


def test_a_soft_shade_stays_soft():
    small = edge(0, FULL_CONTRAST / 50)
    np.testing.assert_allclose(redrawn(small, 4), enlarged(small, 4), atol=FULL_CONTRAST / 1000)


def test_a_thin_line_keeps_its_darkness_and_no_value_leaves_the_range():
    small = jnp.ones((1, 8, 16, 3)).at[:, :, 7].set(-1.0)
    large = np.asarray(redrawn(small, 4))
    assert large.shape == (1, 32, 64, 3)
    assert large.min() < -0.95
    assert large.max() <= 1
    noise = jax.random.uniform(jax.random.key(0), (1, 9, 11, 3), minval=-1, maxval=1)
    assert np.abs(redrawn(noise, 3)).max() <= 1 + 1e-6
    np.testing.assert_array_equal(redrawn(noise, 1), noise)
