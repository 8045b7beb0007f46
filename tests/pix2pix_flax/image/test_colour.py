"""Against scikit-image, on real photographs and on every corner of RGB."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color
import skimage.data

from pix2pix_flax.image.colour import lab_to_rgb, rgb_to_lab
from pix2pix_flax.image.normalize import denormalize, normalize

CORNERS = np.array(list(itertools.product((0, 1, 7, 128, 254, 255), repeat=3)), np.uint8)[None]
COFFEE = skimage.data.coffee()[::3, ::3]

to_lab = jax.jit(lambda rgb: rgb_to_lab(normalize(rgb)))
to_rgb = jax.jit(lab_to_rgb)


@pytest.mark.parametrize("picture", [COFFEE, CORNERS], ids=["photo", "corners"])
def test_lab_is_scikit_images(picture):
    # Whose white is not quite that of its RGB: by 0.0025 in a and 0.005 in b.
    np.testing.assert_allclose(to_lab(picture), skimage.color.rgb2lab(picture), atol=0.012)


@pytest.mark.parametrize("picture", [COFFEE, CORNERS], ids=["photo", "corners"])
def test_rgb_is_scikit_images(picture):
    lab = skimage.color.rgb2lab(picture)
    expected = skimage.color.lab2rgb(lab) * 2 - 1
    np.testing.assert_allclose(to_rgb(np.float32(lab)), expected, atol=0.5 / 127.5)


def test_all_levels_of_grey_and_all_corners_come_back():
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    for picture in (grey, CORNERS, COFFEE):
        np.testing.assert_array_equal(denormalize(to_rgb(to_lab(picture))), picture)
    np.testing.assert_allclose(to_lab(grey)[..., 1:], 0, atol=2e-4)


def test_a_colour_out_of_gamut_keeps_its_lightness():
    lightness, a, b = np.meshgrid(
        np.linspace(0, 100, 41), *(np.linspace(-128, 128, 17),) * 2, indexing="ij"
    )
    lab = np.stack([lightness, a, b], -1).astype(np.float32)
    rgb = np.asarray(to_rgb(lab))
    assert np.abs(rgb).max() <= 1 + 1e-5
    found = skimage.color.rgb2lab(np.clip((rgb.astype(np.float64) + 1) / 2, 0, 1))[..., 0]
    np.testing.assert_allclose(found, lightness, atol=0.01)


def test_a_colour_out_of_gamut_keeps_as_much_of_itself_as_there_is():
    rgb = np.asarray(to_rgb(np.float32([[60.0, 110.0, 60.0], [60.0, -110.0, 0.0]])))
    np.testing.assert_allclose(np.abs(rgb).max(-1), 1, atol=1e-5)  # on the border, not inside
    hue = np.asarray(rgb_to_lab(jnp.asarray(rgb)))
    assert hue[0, 1] > 50
    assert hue[1, 1] < -40


def test_gradients_are_finite_everywhere():
    points = normalize(np.concatenate([CORNERS[0], np.zeros((1, 3), np.uint8)]))
    to_lab_gradient = jax.jacfwd(rgb_to_lab), jax.jacrev(rgb_to_lab)
    to_rgb_gradient = jax.jacfwd(lab_to_rgb), jax.jacrev(lab_to_rgb)
    lab = np.stack(np.meshgrid([0.0, 1, 50, 100], [-110.0, 0, 110], [-110.0, 0, 110]), -1)
    for gradients, places in ((to_lab_gradient, points), (to_rgb_gradient, lab.reshape(-1, 3))):
        for gradient in gradients:
            values = jax.jit(jax.vmap(gradient))(jnp.asarray(places, jnp.float32))
            assert np.isfinite(values).all()
            assert np.abs(values).max() < 2e3


def test_what_is_not_a_number_stays_so():
    """The halo of tiles is found that way."""
    assert np.isnan(to_rgb(np.float32([[50, np.nan, 0]]))).all()
    assert np.isnan(rgb_to_lab(np.float32([[np.nan, 0, 0]]))).all()
