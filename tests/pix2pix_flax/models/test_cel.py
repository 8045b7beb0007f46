"""Drawings in layers: against the styles' own stairs, OpenCV's colours, and NumPy."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from cartoon_tfds.styles import paintings
from cartoon_tfds.styles.colour import draw_lines
from cartoon_tfds.styles.tone import quantise_softly, smooth_step
from pix2pix_flax.image.colour import rgb_to_lab
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.models import cel
from pix2pix_flax.models.smoothing import smoothed

PHOTO = skimage.data.astronaut()[np.newaxis, 30:94, 180:276]


def layers_of(tone=0.0, ink=-20.0):
    return jnp.broadcast_to(jnp.float32([tone, ink]), (1, 64, 96, cel.LAYERS))


def half_layers_of(hardness=20.0, shares=0.0):
    values = np.concatenate([[hardness], np.broadcast_to(shares, cel.SHARES)])
    return jnp.broadcast_to(jnp.float32(values), (1, 32, 48, cel.HALF_LAYERS))


def cells_of(value=0.0):
    return jnp.full((1, 16, 24, 2), value, jnp.float32)


compiled = jax.jit(cel.draw, static_argnums=(4, 5), static_argnames=("is_print",))


def draw(photo, layers, half_layers=None, cells=None, scale=1):
    half_layers = half_layers_of() if half_layers is None else half_layers
    return compiled(layers, half_layers, cells_of() if cells is None else cells, photo, 6, scale)


def rgb_of(lab):
    """Returns RGB in [-1, 1] by OpenCV, as the styles convert."""
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 2 - 1


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


@pytest.mark.parametrize("steps", [0, 5, 6, 7, 10])
def test_grain_is_smoothed_for_drawings_in_few_tones(steps):
    photo = normalize(PHOTO)
    expected = smoothed(photo) if steps in (5, 6) else photo
    np.testing.assert_array_equal(cel.seen(photo, steps), expected)


def averaged(cells, axis):
    """Averages float [h, w, 2] over nine cells along an axis, by their nearness in Lab."""
    cells = np.moveaxis(np.asarray(cells, np.float64), axis, 0)
    padded = np.pad(cells, ((4, 4), (0, 0), (0, 0)), mode="edge")
    found = np.zeros_like(cells)
    for place in np.ndindex(cells.shape[:2]):
        near = padded[place[0] : place[0] + 9, place[1]]
        weights = np.exp(-((near - cells[place]) ** 2).sum(-1) / (2 * 6.0**2))
        found[place] = weights @ near / weights.sum()
    return np.moveaxis(found, 0, axis)


def test_cells_are_averaged_with_their_like():
    cells = np.random.default_rng(2).normal(scale=5, size=(2, 9, 12, 2)).astype(np.float32)
    expected = [averaged(averaged(image, 0), 1) for image in cells]
    np.testing.assert_allclose(cel.evened(cells), expected, atol=1e-5)


def test_noise_of_the_colours_vanishes_and_their_borders_stay():
    rng = np.random.default_rng(3)
    clean = np.zeros((1, 24, 24, 2), np.float32)
    clean[:, :, 12:] = (25.0, -10.0)
    noisy = clean + rng.normal(scale=0.5, size=clean.shape).astype(np.float32)
    left = np.asarray(cel.evened(noisy) - clean)
    assert left.std() < 0.5 / 4
    assert np.abs(left[:, :, 11:13].mean(axis=1)).max() < 0.15


def test_the_shares_choose_a_side_of_a_border():
    cells = np.zeros((1, 2, 2, 1), np.float32)
    cells[:, :, 1] = 1.0
    left, right = (jnp.zeros((1, 8, 8, 9)).at[..., index].set(50.0) for index in (4, 5))
    for shares, expected in ((left, [0] * 4 + [1] * 4), (right, [1] * 8)):
        np.testing.assert_allclose(cel.upsample(cells, shares)[0, 0, :, 0], expected, atol=1e-6)


def test_a_tone_and_the_colours_of_the_photo_make_the_paint():
    photo = normalize(PHOTO)
    own_cell = np.eye(9, dtype=np.float32)[4] * 50
    lab = np.asarray(rgb_to_lab(draw(photo, layers_of(0.0), half_layers_of(shares=own_cell))))
    np.testing.assert_allclose(lab[..., 0], 50, atol=0.01)
    small = cv2.resize(PHOTO[0].astype(np.float32) / 255, (24, 16), interpolation=cv2.INTER_AREA)
    chroma = averaged(averaged(cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 1:], 0), 1)
    chroma = chroma.repeat(2, 0).repeat(2, 1)
    chroma = np.asarray(jax.image.resize(chroma, (64, 96, 2), "linear"))
    dull = np.linalg.norm(chroma, axis=-1) < 20  # of any luminance, so none is brought into RGB
    assert 0.1 < dull.mean() < 0.9
    np.testing.assert_allclose(lab[0][dull, 1:], chroma[dull], atol=1.0)  # OpenCV rounds Lab


def test_a_print_has_the_inks_of_the_style_poster():
    np.testing.assert_array_equal(cel.SHADOW_INK, paintings._NAVY)
    np.testing.assert_array_equal(cel.PAPER, paintings._CREAM)
    photo = jnp.full((1, 64, 96, 3), 0.3)  # grey, so that no colour is brought into RGB
    for tone in np.linspace(-0.95, 0.95, 9):
        layers = layers_of(np.arctanh(tone))
        drawing = compiled(layers, half_layers_of(), cells_of(), photo, 6, is_print=True)[0, 0, 0]
        paint = np.asarray(rgb_to_lab(draw(photo, layers)))[0, :1, :1].astype(np.float32)
        expected = paint + 0.9 * (1 - smooth_step(paint[..., :1], 8, 32)) * (cel.SHADOW_INK - paint)
        light = 0.8 * smooth_step(paint[..., :1], 72, 98)
        expected += light * (cel.PAPER - expected)
        np.testing.assert_allclose(drawing, rgb_of(expected)[0, 0], atol=0.01)


def test_gain_and_turn_change_chroma_and_hue():
    photo = jnp.broadcast_to(jnp.array([0.2, 0.0, -0.1]), (1, 64, 96, 3))
    change = cells_of().at[..., 0].set(-0.5).at[..., 1].set(0.5)
    before, after = (
        rgb_to_lab(draw(photo, layers_of(), cells=cells))[0, 0, 0, 1:]
        for cells in (cells_of(), change)
    )
    np.testing.assert_allclose(
        complex(*map(float, after)), complex(*map(float, before)) * (0.5 + 0.5j), rtol=1e-3
    )


@pytest.mark.parametrize("grey", [-1.0, 0.3, 1.0])
def test_white_and_grey_keep_their_colour_whatever_the_network_says(grey):
    photo = jnp.full((1, 64, 96, 3), grey)
    drawing = draw(photo, layers_of(1.2), cells=cells_of(3.0))
    assert np.abs(rgb_to_lab(drawing)[..., 1:]).max() < 0.01


def test_ink_covers_the_paint_as_in_the_styles():
    photo = normalize(PHOTO)
    paint, inked = (draw(photo, layers_of(0.35, ink)) for ink in (-20, 20))
    lab = np.asarray(rgb_to_lab(paint))[0]
    expected = draw_lines(lab, np.ones(lab.shape[:2], np.float32), 0.05, 0.3)
    np.testing.assert_allclose(inked[0], rgb_of(expected), atol=2e-3)
    half = np.asarray(rgb_to_lab(draw(photo, layers_of(0.35, 2.0))))[..., 0]
    np.testing.assert_allclose(half, 0.525 * lab[..., 0][np.newaxis], atol=0.05)


def test_an_enlarged_drawing_of_even_layers_is_the_same_drawing():
    photo = jnp.broadcast_to(jnp.array([0.2, 0.0, -0.1]), (1, 64, 96, 3))
    layers = layers_of(np.arctanh(1 / 3))  # just on a step
    small, large = (draw(photo, layers, scale=scale) for scale in (1, 4))
    assert large.shape == (1, 256, 384, 3)
    np.testing.assert_allclose(large, jnp.broadcast_to(small[:, :1, :1], large.shape), atol=1e-3)


@pytest.mark.parametrize("layer", [0, 1])
def test_edges_are_as_sharp_in_an_enlarged_drawing(layer):
    photo = jnp.full((1, 64, 96, 3), 0.5)
    ramp = jnp.linspace(-1.0, 1.0, 96) * (0.4 if layer == 0 else 8.0)
    layers = layers_of(0.7).at[..., layer].set(ramp - (layer and cel.INK_BIAS))
    steepest = []
    for scale in (1, 4):
        row = draw(photo, layers, scale=scale)[0, 0, :, 0]
        steepest.append(float(np.abs(np.diff(row)).max()))
    assert steepest[1] > 0.8 * steepest[0]  # linear enlargement alone leaves a quarter


@pytest.mark.parametrize("scale", [2, 4])
def test_edges_between_soft_tones_are_as_sharp_in_an_enlarged_drawing(scale):
    photo = jnp.full((1, 64, 96, 3), 0.5)
    layers = layers_of(0.7).at[:, :, 48:, 0].set(-0.3)
    parts = layers, half_layers_of(), cells_of(), photo
    small, large = (np.asarray(compiled(*parts, 100, size))[0, 9, :, 0] for size in (1, scale))
    steepest = np.abs(np.diff(large)).max()
    assert steepest > 0.7 * np.abs(np.diff(small)).max()  # linear enlargement alone leaves a half


@pytest.mark.parametrize("scale", [2, 4])
def test_a_line_of_one_pixel_stays_dark_in_an_enlarged_drawing(scale):
    photo = jnp.full((1, 64, 96, 3), 0.5)
    cover = np.full((64, 96), 0.1, np.float32)
    cover[:, 48] = 0.6  # linear interpolation alone leaves 0.475 at twice the size
    layers = layers_of(0.7).at[..., 1].set(np.log(cover / (1 - cover)) - cel.INK_BIAS)

    def darkness(scale):
        row = np.asarray(draw(photo, layers, scale=scale))[0, 32 * scale, :, 0]
        return row[0] - row[48 * scale : 49 * scale].mean()

    assert darkness(scale) > 0.8 * darkness(1)


@pytest.mark.parametrize("steps", [5, 6, 7, 10])
def test_only_drawings_in_few_tones_get_more_ink_when_they_are_enlarged(steps):
    biases = [cel.ink_bias(scale, steps) for scale in (1, 2, 4)]
    assert biases[0] == cel.INK_BIAS
    expected = sorted(set(biases)) if steps <= 6 else [cel.INK_BIAS] * 3
    assert biases == expected


@pytest.mark.parametrize(("hardness", "sharpness"), [(20.0, cel.HARD), (-20.0, cel.SOFT)])
def test_the_network_chooses_the_sharpness_of_the_steps(hardness, sharpness):
    photo = jnp.full((1, 64, 96, 3), 0.5)
    layers = layers_of().at[..., 0].set(jnp.linspace(-0.5, 0.5, 96))
    drawing = draw(photo, layers, half_layers_of(hardness))
    tone = ((np.tanh(np.linspace(-0.5, 0.5, 96)) + 1) * 50).astype(np.float32)
    expected = quantise_softly(tone[np.newaxis], 6, sharpness)[0]
    np.testing.assert_allclose(rgb_to_lab(drawing)[0, 0, :, 0], expected, atol=0.05)


def test_a_soft_step_grows_with_the_drawing_and_a_hard_step_keeps_its_width():
    photo = jnp.full((1, 64, 96, 3), 0.5)
    layers = layers_of().at[..., 0].set(jnp.linspace(-0.5, 0.5, 96))
    widths = {}
    for hardness in (20.0, -20.0):
        for scale in (1, 4):
            drawing = draw(photo, layers, half_layers_of(hardness), scale=scale)
            steepest = np.abs(np.diff(np.asarray(drawing)[0, 0, :, 0])).max()
            widths[hardness, scale] = 1 / steepest
    assert 0.8 < widths[20.0, 4] / widths[20.0, 1] < 1.25
    assert 3.5 < widths[-20.0, 4] / widths[-20.0, 1] < 4.5


def test_colours_outside_the_gamut_are_clipped_as_in_the_styles():
    yellow = jnp.broadcast_to(jnp.array([0.9, 0.8, -0.9]), (1, 64, 96, 3))
    lab = np.array(rgb_to_lab(yellow))[0]
    lab[..., 0] = 100 * (np.tanh(2.0) + 1) / 2
    drawn = np.asarray(draw(yellow, layers_of(2.0), half_layers_of(-20.0)))[0]
    lab[..., 0] = quantise_softly(lab[..., 0], 6, cel.SOFT)
    np.testing.assert_allclose(drawn, rgb_of(lab), atol=0.01)
    assert drawn[..., 2].max() < 0.5  # still yellow
