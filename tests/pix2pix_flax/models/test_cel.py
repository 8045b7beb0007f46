"""Drawings in layers: against the styles' own stairs, OpenCV's colours, and NumPy."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from cartoon_tfds.styles.colour import draw_lines
from cartoon_tfds.styles.tone import quantise_softly
from pix2pix_flax.image.colour import rgb_to_lab
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.models import cel

PHOTO = skimage.data.astronaut()[np.newaxis, 30:94, 180:276]


def layers_of(tone=0.0, ink=-20.0, shares=0.0, shape=(64, 96)):
    values = np.concatenate([[tone, ink], np.broadcast_to(shares, 9)])
    return jnp.broadcast_to(jnp.float32(values), (1, *shape, cel.LAYERS))


def cells_of(value=0.0):
    return jnp.full((1, 16, 24, 2), value, jnp.float32)


@pytest.mark.parametrize("steps", [1, 4, 6])
def test_the_stairs_are_those_of_the_styles(steps):
    luminance = np.linspace(0, 100, 501, dtype=np.float32)[np.newaxis]
    expected = quantise_softly(luminance, steps, 5)
    found = cel.stairs(luminance * (steps / 100), steps, 5) * (100 / steps)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_pixel_on_a_wrong_step_still_has_a_gradient():
    slope = jax.vmap(jax.grad(lambda tone: cel.stairs(tone, 6, 5.0)))
    slopes = slope(jnp.linspace(0.0, 6.0, 200))
    assert slopes.min() > 0.29
    assert slopes.max() > 4


def test_upsampling_equals_numpy():
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(2, 3, 5, 2)).astype(np.float32)
    shares = rng.normal(size=(2, 12, 20, 9)).astype(np.float32)
    weights = np.exp(shares) / np.exp(shares).sum(-1, keepdims=True)
    padded = np.pad(cells, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    expected = np.zeros((2, 12, 20, 2))
    for row in range(12):
        for column in range(20):
            around = padded[:, row // 4 : row // 4 + 3, column // 4 : column // 4 + 3]
            pixel = weights[:, row, column, :, np.newaxis] * around.reshape(2, 9, 2)
            expected[:, row, column] = pixel.sum(1)
    np.testing.assert_allclose(cel.upsample(cells, shares), expected, atol=1e-5)


def test_the_shares_choose_a_side_of_a_border():
    cells = np.zeros((1, 2, 2, 1), np.float32)
    cells[:, :, 1] = 1.0
    left, right = (jnp.zeros((1, 8, 8, 9)).at[..., index].set(50.0) for index in (4, 5))
    for shares, expected in ((left, [0] * 4 + [1] * 4), (right, [1] * 8)):
        np.testing.assert_allclose(cel.upsample(cells, shares)[0, 0, :, 0], expected, atol=1e-6)


def test_a_tone_and_the_colours_of_the_photo_make_the_paint():
    photo = normalize(PHOTO)
    own_cell = np.eye(9, dtype=np.float32)[4] * 50
    lab = np.asarray(rgb_to_lab(cel.draw(layers_of(0.0, shares=own_cell), cells_of(), photo, 6)))
    np.testing.assert_allclose(lab[..., 0], 50, atol=0.01)
    small = cv2.resize(PHOTO[0].astype(np.float32) / 255, (24, 16), interpolation=cv2.INTER_AREA)
    chroma = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 1:].repeat(4, 0).repeat(4, 1)
    dull = np.linalg.norm(chroma, axis=-1) < 20  # of any luminance, so none is brought into RGB
    assert 0.1 < dull.mean() < 0.9
    np.testing.assert_allclose(lab[0][dull, 1:], chroma[dull], atol=1.0)  # OpenCV rounds Lab


def test_gain_and_turn_change_chroma_and_hue():
    photo = jnp.broadcast_to(jnp.array([0.2, 0.0, -0.1]), (1, 64, 96, 3))
    change = cells_of().at[..., 0].set(-0.5).at[..., 1].set(0.5)
    before, after = (
        rgb_to_lab(cel.draw(layers_of(), cells, photo, 6))[0, 0, 0, 1:]
        for cells in (cells_of(), change)
    )
    np.testing.assert_allclose(
        complex(*map(float, after)), complex(*map(float, before)) * (0.5 + 0.5j), rtol=1e-3
    )


@pytest.mark.parametrize("grey", [-1.0, 0.3, 1.0])
def test_white_and_grey_keep_their_colour_whatever_the_network_says(grey):
    photo = jnp.full((1, 64, 96, 3), grey)
    drawing = cel.draw(layers_of(1.2), cells_of(3.0), photo, 6)
    assert np.abs(rgb_to_lab(drawing)[..., 1:]).max() < 0.01


def test_ink_covers_the_paint_as_in_the_styles():
    photo = normalize(PHOTO)
    paint, inked = (cel.draw(layers_of(0.35, ink), cells_of(), photo, 6) for ink in (-20, 20))
    lab = np.asarray(rgb_to_lab(paint))[0]
    expected = draw_lines(lab, np.ones(lab.shape[:2], np.float32), 0.05, 0.3)
    np.testing.assert_allclose(rgb_to_lab(inked)[0, ..., 0], expected[..., 0], atol=0.05)
    half = np.asarray(rgb_to_lab(cel.draw(layers_of(0.35, 2.0), cells_of(), photo, 6)))[..., 0]
    np.testing.assert_allclose(half, 0.525 * lab[..., 0][np.newaxis], atol=0.05)


@pytest.mark.parametrize("scale", [2, 3, 5])
def test_layers_are_enlarged_by_linear_interpolation(scale):
    layers = jax.random.normal(jax.random.key(0), (2, 8, 12, 4))
    expected = jax.image.resize(layers, (2, 8 * scale, 12 * scale, 4), "linear")
    np.testing.assert_allclose(cel._enlarged(layers, scale), expected, atol=1e-5)


def test_an_enlarged_drawing_of_even_layers_is_the_same_drawing():
    photo = jnp.broadcast_to(jnp.array([0.2, 0.0, -0.1]), (1, 64, 96, 3))
    layers = layers_of(np.arctanh(1 / 3))  # just on a step
    small, large = (cel.draw(layers, cells_of(), photo, 6, scale) for scale in (1, 4))
    assert large.shape == (1, 256, 384, 3)
    np.testing.assert_allclose(large, jnp.broadcast_to(small[:, :1, :1], large.shape), atol=1e-3)


@pytest.mark.parametrize("layer", [0, 1])
def test_edges_are_as_sharp_in_an_enlarged_drawing(layer):
    photo = jnp.full((1, 64, 96, 3), 0.5)
    ramp = jnp.linspace(-1.0, 1.0, 96) * (0.4 if layer == 0 else 8.0)
    layers = layers_of(0.7).at[..., layer].set(ramp - (layer and cel.INK_BIAS))
    steepest = []
    for scale in (1, 4):
        row = cel.draw(layers, cells_of(), photo, 6, scale)[0, 0, :, 0]
        steepest.append(float(np.abs(np.diff(row)).max()))
    assert steepest[1] > 0.8 * steepest[0]  # linear enlargement alone leaves a quarter
