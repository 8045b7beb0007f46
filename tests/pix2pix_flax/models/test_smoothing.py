"""The smoothing of photographs before they are drawn: grain goes, contours and colours stay."""

import cv2
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.models import smoothing
from pix2pix_flax.models.smoothing import smoothed

PHOTO = skimage.data.astronaut()[np.newaxis, 30:94, 180:276]


def around(image):
    return cv2.blur(image, smoothing.AROUND, borderType=cv2.BORDER_REPLICATE)


def halved(image):
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def guided(rgb):
    """Returns float64 [H, W, 3] in [-1, 1] after a guided filter whose parts OpenCV makes."""
    luminance = rgb @ np.float64([0.299, 0.587, 0.114])
    mean = around(halved(luminance))
    variance = around(halved(luminance**2)) - mean**2
    gain = variance / (variance + smoothing.GRAIN**2)
    size = luminance.shape[::-1]
    gain, offset = (cv2.resize(around(part), size) for part in (gain, (1 - gain) * mean))
    return np.clip(rgb + (gain * luminance + offset - luminance)[..., np.newaxis], -1, 1)


def test_it_is_a_guided_filter_at_half_the_size():
    photo = np.asarray(normalize(PHOTO))
    found = smoothed(photo)
    np.testing.assert_allclose(found[0], guided(photo[0].astype(np.float64)), atol=2e-5)
    assert np.abs(found - photo).max() > 0.02


def test_grain_goes_and_a_contour_stays():
    rng = np.random.default_rng(0)
    clean = np.full((1, 64, 64, 3), -0.4, np.float32)
    clean[:, :, 32:] = 0.4
    grain = rng.normal(scale=3 / 127.5, size=(1, 64, 64, 1)).astype(np.float32)
    left = np.asarray(smoothed(clean + grain)) - clean
    assert left[:, :, :20].std() < grain.std() / 4
    assert np.abs(left[:, :, 30:34].mean(axis=1)).max() < 0.06  # of a step of 0.8


@pytest.mark.parametrize("grey", [-1.0, 0.3, 1.0])
def test_even_pictures_and_other_channels_do_not_change(grey):
    plane = np.random.default_rng(1).normal(size=(1, 8, 12, 2)).astype(np.float32)
    images = np.concatenate([np.full((1, 8, 12, 3), grey, np.float32), plane], axis=-1)
    np.testing.assert_allclose(smoothed(images), images, atol=1e-6)


def test_no_pixel_leaves_the_range():
    photo = np.where(np.random.default_rng(2).random((1, 32, 32, 3)) < 0.5, -1.0, 1.0)
    assert np.abs(smoothed(photo.astype(np.float32))).max() <= 1
