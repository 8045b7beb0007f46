import jax
import numpy as np
import pytest

from pix2pix_flax.image.degradation.noise import Noise

GREY = np.full((200, 200, 3), [40, 100, 160], np.float32)


def spread(noise, levels=GREY):
    difference = np.array(noise.add(jax.random.key(0), levels)) - levels
    return difference.std((0, 1)), difference


def test_gaussian_noise_has_its_standard_deviation():
    found, difference = spread(Noise(1.0, 1.0, 0.0, (10.0, 10.0), (0.0, 0.0)))
    np.testing.assert_allclose(found, 10, rtol=0.02)
    assert abs(np.corrcoef(difference[..., 0].ravel(), difference[..., 1].ravel())[0, 1]) < 0.02


def test_poisson_noise_has_the_variance_of_a_count():
    found, _ = spread(Noise(1.0, 0.0, 0.0, (0.0, 0.0), (2.0, 2.0)))
    counts = np.random.default_rng(0).poisson(GREY[0, 0] * 256 / 255, (100_000, 3))
    np.testing.assert_allclose(found, 2 * counts.std(0) * 255 / 256, rtol=0.02)


@pytest.mark.parametrize("gaussian", [0.0, 1.0])
def test_grey_noise_is_equal_in_all_channels(gaussian):
    found, difference = spread(Noise(1.0, gaussian, 1.0, (8.0, 8.0), (0.7, 0.7)))
    assert found.min() > 5
    assert (GREY + difference).min() > 0  # nothing was clipped
    np.testing.assert_allclose(difference, difference[..., :1].repeat(3, -1), atol=1e-4)


def test_levels_stay_in_their_range_and_some_images_stay_unchanged():
    _, difference = spread(Noise(1.0, 1.0, 0.0, (90.0, 90.0), (0.0, 0.0)))
    assert (GREY + difference).min() == 0
    assert (GREY + difference).max() == 255
    assert not spread(Noise(0.0, 1.0, 0.0, (90.0, 90.0), (0.0, 0.0)))[0].any()
