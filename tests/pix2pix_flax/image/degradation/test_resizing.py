"""Resizing within a canvas against Pillow."""

import jax
import numpy as np
import PIL.Image
import pytest
import skimage.data

from pix2pix_flax.image.degradation.resizing import METHODS, Canvas, full_canvas, resize

PILLOW = {
    "area": PIL.Image.Resampling.BOX,
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "bicubic": PIL.Image.Resampling.BICUBIC,
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(16, 12), (61, 47), (9, 67)])
def test_it_equals_pillow(method, size):
    image = skimage.data.astronaut()[100:148, 180:216]
    run = jax.jit(resize, static_argnums=2)
    found = run(full_canvas(image), np.array(size), (72, 72), METHODS.index(method))
    assert found.levels.shape == (72, 72, 3)
    wanted = PIL.Image.fromarray(image).resize(size[::-1], PILLOW[method])
    levels = np.array(found.levels)[: size[0], : size[1]]
    np.testing.assert_allclose(levels, np.array(wanted, float), atol=1.5)  # Pillow rounds twice


def test_pixels_beyond_the_image_do_not_count():
    image = np.float32(skimage.data.coffee()[:20, :24])
    canvas = np.full((32, 40, 3), 1000, np.float32)
    canvas[:20, :24] = image
    size, small = np.array([20, 24]), np.array([7, 5])
    found = resize(Canvas(canvas, size), small, (8, 8), 2).levels[:7, :5]
    wanted = resize(Canvas(image, size), small, (8, 8), 2).levels[:7, :5]
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_the_rest_of_a_canvas_is_the_reflected_image():
    image = np.float32(skimage.data.coffee()[:12, :9])
    found = resize(Canvas(image, np.array([12, 9])), np.array([12, 9]), (20, 15), 1).levels
    wanted = np.pad(image, [(0, 8), (0, 6), (0, 0)], mode="reflect")
    np.testing.assert_allclose(found, wanted, atol=1e-3)
