"""What holds for every style, and what each one but `ink` promises."""

import dataclasses
import itertools

import cv2
import numpy as np
import pytest

from benchmarks.look_metrics import tones
from cartoon_tfds.images import read_image
from cartoon_tfds.sources.packaged import iter_packaged
from cartoon_tfds.styles import STYLES, cartoonize

NAMES = sorted(STYLES)
OURS = sorted(set(STYLES) - {"opencv", "classic"})

# Means of red, green and blue and the standard deviation of all, of `chelsea` at 128x128, by style
# and version. Whoever changes a style's pixels raises its version and writes the new numbers here.
PIXELS = {
    ("classic", 1): (132.4, 101.0, 79.8, 53.4),
    ("ink", 2): (165.5, 120.4, 90.1, 51.2),
    ("opencv", 1): (109.1, 82.9, 65.5, 44.8),
    ("poster", 2): (182.8, 127.7, 89.0, 50.4),
    ("sketch", 1): (204.1, 204.1, 204.1, 30.6),
    ("watercolour", 2): (208.4, 161.3, 121.7, 52.1),
}


def shrink(photo, side):
    return cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)


def lab(image):
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def halves(left, right, shape=(96, 96)):
    picture = np.empty((*shape, 3), np.uint8)
    picture[:, : shape[1] // 2], picture[:, shape[1] // 2 :] = left, right
    return picture


@pytest.fixture(scope="module")
def photos():
    return {photo.photo_id: read_image(photo.data, photo.photo_id) for photo in iter_packaged()}


@pytest.fixture(scope="module")
def small(photos):
    return {name: shrink(photo, 192) for name, photo in photos.items()}


def test_styles_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        STYLES["ink"] = STYLES["poster"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        STYLES["ink"].version = 2
    assert all(style.version >= 1 and style.summary for style in STYLES.values())


@pytest.mark.parametrize("name", NAMES)
def test_pixels_of_a_version_stay(photos, name):
    drawing = cartoonize(shrink(photos["chelsea"], 128), name)
    numbers = [*drawing.mean(axis=(0, 1)), drawing.std()]
    # Other builds of OpenCV round otherwise.
    np.testing.assert_allclose(numbers, PIXELS[name, STYLES[name].version], atol=0.3)


@pytest.mark.parametrize("name", NAMES)
def test_strength_0_is_a_copy_of_the_photo_and_1_the_style(small, name):
    photo = small["astronaut"]
    untouched = cartoonize(photo, name, strength=0)
    np.testing.assert_array_equal(untouched, photo)
    assert not np.shares_memory(untouched, photo)
    full = cartoonize(photo, name, line_width=2.0, strength=1.0)
    np.testing.assert_array_equal(full, STYLES[name].function(photo, 2.0))


@pytest.mark.parametrize("name", NAMES)
def test_strength_is_monotone_and_continuous(small, name):
    photo = small["coffee"]
    steps = [cartoonize(photo, name, strength=strength) for strength in np.linspace(0, 1, 6)]
    distances = [np.abs(step.astype(int) - photo).mean() for step in steps]
    assert np.all(np.diff(distances) > 0.15 * distances[-1])
    # No value moves by more than its share of the way, but for rounding.
    for before, after in itertools.pairwise(steps):
        assert np.abs(after.astype(int) - before).max() <= 255 / 5 + 1


@pytest.mark.parametrize("strength", [-0.01, 1.01, float("nan"), float("inf")])
def test_refuses_impossible_strengths(strength):
    with pytest.raises(ValueError, match="strength must be 0 to 1, got"):
        cartoonize(np.zeros((8, 8, 3), np.uint8), strength=strength)


# OpenCV's own lines are one pixel wide whatever the size.
@pytest.mark.parametrize(
    "name",
    [
        "ink",
        *(pytest.param(n, marks=pytest.mark.long) for n in NAMES if n not in ("ink", "opencv")),
    ],
)
def test_looks_alike_at_256_and_1024(photos, name):
    photo = cv2.resize(photos["astronaut"], (1024, 1024), interpolation=cv2.INTER_CUBIC)
    drawing = cartoonize(shrink(photo, 256), name)

    def distance(large):
        return np.abs(lab(shrink(large, 256)) - lab(drawing)).mean()

    alike = distance(cartoonize(photo, name))
    assert alike < 2.0
    assert alike < 0.6 * distance(cartoonize(photo, name, line_width=2.0))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (40, 90, 160)])
def test_a_constant_picture_stays_constant(name, colour):
    picture = np.full((60, 80, 3), colour, np.uint8)
    drawing = cartoonize(picture, name)
    assert np.ptp(drawing.reshape(-1, 3), axis=0).max() == 0
    if name in {"ink", "opencv", "classic"}:  # the others have colours of their own
        assert np.abs(lab(drawing) - lab(picture)).max() < 18


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 32766), (32766, 1)])
def test_the_longest_sides(name, shape):
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert cartoonize(photo, name).shape == photo.shape


@pytest.mark.parametrize("name", OURS)
def test_no_specks_where_the_photo_has_noise_only(name):
    noise = np.random.default_rng(0).normal(0, 3, (96, 96, 1))
    drawing = cartoonize((150 + noise).repeat(3, axis=-1).astype(np.uint8), name, line_width=2.0)
    assert np.ptp(lab(drawing)[..., 0]) < 6


def test_watercolour_is_light_and_lively(small):
    for name, photo in small.items():
        before, after = lab(photo), lab(cartoonize(photo, "watercolour"))
        assert after[..., 0].mean() > before[..., 0].mean() + 3, name
        shadows = before[..., 0] < np.quantile(
            before[..., 0], 0.25
        )  # the pen is dark, they are not
        assert after[shadows, 0].mean() > before[shadows, 0].mean() + 3, name


def test_watercolour_dries_darker_inside_the_border_of_a_wash():
    drawing = cartoonize(halves((150, 60, 60), (235, 225, 200)), "watercolour", line_width=2.0)
    luminance = lab(drawing)[48, :, 0]
    middle = luminance[20]
    assert luminance[40:48].min() < middle - 5
    assert luminance[48:].min() > middle
    assert np.abs(luminance[60:] - luminance[70]).max() < 0.5


def test_sketch_is_grey_on_light_paper(small):
    for photo in small.values():
        drawing = cartoonize(photo, "sketch").astype(int)
        assert np.ptp(drawing, axis=-1).max() <= 1
        assert np.quantile(drawing, 0.98) > 215
        assert drawing.mean() > photo.mean()


def test_sketch_shades_darkness_and_draws_edges():
    drawing = cartoonize(halves(20, 240), "sketch", line_width=2.0)[48, :, 0]
    assert 90 < drawing[20] < 200
    assert drawing[76] > 240
    assert drawing[40:48].min() < 60


def test_poster_prints_navy_shadows_on_cream_paper():
    dark, light = (lab(cartoonize(halves(grey, grey), "poster"))[0, 0] for grey in (5, 250))
    assert dark[2] < -15
    assert 12 < dark[0] < 30
    assert light[2] > 5
    assert light[0] > 94


def test_poster_has_fewer_tones_than_ink(small):
    for name, photo in small.items():
        few, more = (tones(cartoonize(photo, style)) for style in ("poster", "ink"))
        assert few < more, name


def test_poster_puts_no_third_colour_between_two():
    row = cartoonize(halves(30, 245), "poster", line_width=2.0)[48, 40:56].astype(int)
    assert np.all(np.diff(row, axis=0) >= 0)
    inside = np.any((row != row[0]) & (row != row[-1]), axis=-1)
    assert 1 <= inside.sum() <= 6
    share = (row[inside] - row[0]) / (row[-1] - row[0])
    assert np.ptp(share, axis=-1).max() < 0.15  # in all channels as far along
