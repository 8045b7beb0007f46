"""The JPEG layer against Pillow."""

import io

import jax
import numpy as np
import PIL.Image
import pytest
import skimage.data

from pix2pix_flax.image.degradation.jpeg import jpeg


def by_pillow(image, quality):
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.array(PIL.Image.open(file))


@pytest.mark.parametrize("quality", [1, 10, 40, 49, 50, 75, 95, 100])
@pytest.mark.parametrize("size", [(64, 96), (50, 39), (17, 22)])
def test_it_equals_pillow(quality, size):
    image = skimage.data.astronaut()[100 : 100 + size[0], 180 : 180 + size[1]]
    wanted = by_pillow(image, quality)
    found = np.array(jax.jit(jpeg)(np.float32(image), quality))
    np.testing.assert_array_equal(found, wanted)


def test_noise_equals_pillow_too():
    image = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    found = jpeg(np.float32(image), 30)
    np.testing.assert_array_equal(found, by_pillow(image, 30))


def test_a_batch_has_a_quality_for_each_image():
    images = np.stack([skimage.data.coffee()[:32, :32], skimage.data.chelsea()[50:82, 100:132]])
    qualities = np.array([20, 90])
    found = jax.vmap(jpeg)(np.float32(images), qualities)
    for image, quality, output in zip(images, qualities, found, strict=True):
        np.testing.assert_array_equal(output, by_pillow(image, int(quality)))
