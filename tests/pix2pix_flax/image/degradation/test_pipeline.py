import jax
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.image.degradation import PRESETS
from pix2pix_flax.image.resampling import imresize

IMAGES = np.stack([skimage.data.coffee()[i : i + 32, i : i + 32] for i in range(0, 320, 20)])
KEYS = jax.random.split(jax.random.key(1), len(IMAGES))


@pytest.fixture(scope="module", params=["light", "real"])
def degrade(request):
    return jax.jit(lambda keys, images: PRESETS[request.param](keys, images, 4))


def test_a_key_makes_one_image_whatever_is_beside_it(degrade):
    found = np.array(degrade(KEYS, IMAGES))
    assert (found.shape, found.dtype) == ((16, 8, 8, 3), np.uint8)
    np.testing.assert_array_equal(degrade(KEYS, IMAGES), found)
    np.testing.assert_array_equal(degrade(KEYS[::-1], IMAGES[::-1])[::-1], found)
    assert (np.array(degrade(KEYS[::-1], IMAGES)) != found).any((1, 2, 3)).mean() > 0.5


def test_small_images_show_the_large_ones_degraded(degrade):
    clean = np.float32(imresize(IMAGES, 8, 8))
    difference = np.float32(degrade(KEYS, IMAGES)) - clean
    distance = np.abs(difference).mean((1, 2, 3))
    assert distance.max() > 3
    assert (distance < 60).all()
    assert np.abs(difference.mean()) < 3  # neither brighter nor darker


def test_levels_of_black_and_white_stay_close(degrade):
    flat = np.zeros_like(IMAGES)
    flat[::2] = 255
    found = np.float32(degrade(KEYS, flat))
    assert found[::2].mean() > 240
    assert found[1::2].mean() < 15
