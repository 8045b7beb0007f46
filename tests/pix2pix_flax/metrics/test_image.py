"""Against scikit-image, on real photographs."""

import cv2
import jax
import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pix2pix_flax import metrics
from pix2pix_flax.image.normalize import normalize

HEIGHT, WIDTH = 48, 61


def photographs():
    """Three photographs and what became of them, uint8 [3, HEIGHT, WIDTH, 3]."""
    pictures = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()]
    small = [cv2.resize(p, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for p in pictures]
    noise = np.random.default_rng(0).normal(scale=12, size=small[1].shape)
    changed = [
        cv2.GaussianBlur(small[0], (0, 0), 1.2),
        np.clip(small[1] + noise, 0, 255).astype(np.uint8),
        255 - small[2],
    ]
    return np.stack(small), np.stack(changed)


def measure(name, a, b):
    return np.asarray(jax.jit(getattr(metrics, name))(normalize(a), normalize(b)))


def skimage_ssim(a, b):
    return structural_similarity(
        a,
        b,
        data_range=255,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )


EXPECTED = {
    "l1": lambda a, b: np.abs(np.float64(a) - b).mean() / 127.5,
    "psnr": lambda a, b: peak_signal_noise_ratio(a, b, data_range=255),
    "ssim": skimage_ssim,
}


@pytest.mark.parametrize(("name", "tolerance"), [("l1", 1e-6), ("psnr", 1e-5), ("ssim", 2e-4)])
def test_equals_scikit_image_for_each_example(name, tolerance):
    photos, changed = photographs()
    expected = [EXPECTED[name](a, b) for a, b in zip(photos, changed, strict=True)]
    values = measure(name, photos, changed)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, rtol=tolerance)
    np.testing.assert_allclose(measure(name, photos[1:2], changed[1:2]), expected[1:2], rtol=2e-4)
    np.testing.assert_allclose(values, measure(name, changed, photos), rtol=1e-5)


def test_equal_images_are_perfect():
    photos, _ = photographs()
    np.testing.assert_array_equal(measure("l1", photos, photos), np.zeros(3))
    np.testing.assert_array_equal(measure("psnr", photos, photos), np.full(3, np.inf))
    np.testing.assert_allclose(measure("ssim", photos, photos), np.ones(3), rtol=1e-6)


def test_black_against_white_is_the_worst():
    black = np.zeros((1, 16, 16, 3), np.uint8)
    np.testing.assert_allclose(measure("l1", black, 255 - black), [2.0])
    np.testing.assert_allclose(measure("psnr", black, 255 - black), [0.0], atol=1e-5)
    np.testing.assert_allclose(measure("ssim", black, 255 - black), [1e-4], rtol=1e-2)


def test_ssim_of_a_negative_is_below_zero():
    photos, changed = photographs()
    assert -1 < measure("ssim", photos, changed)[2] < 0


def test_ssim_needs_its_window():
    smallest = photographs()[0][:, :11, :11]
    np.testing.assert_allclose(measure("ssim", smallest, smallest), np.ones(3), rtol=1e-6)
    with pytest.raises(ValueError, match="11x11 or more, not 11x10"):
        measure("ssim", smallest[:, :, :10], smallest[:, :, :10])


@pytest.mark.parametrize("name", ["l1", "psnr", "ssim"])
@pytest.mark.parametrize("shape", [(3, 1, 1, 3), (3, 16, 16, 1), (1, 16, 16, 3)])
def test_shape_mismatch(name, shape):
    with pytest.raises(ValueError, match="the shapes must be equal, not"):
        getattr(metrics, name)(np.zeros((3, 16, 16, 3)), np.zeros(shape))
