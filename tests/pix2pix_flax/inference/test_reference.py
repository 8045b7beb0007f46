"""Hints from a coloured reference picture."""

import numpy as np
import pytest
import skimage.data

from pix2pix_flax.image.colour import rgb_to_lab
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference.reference import Reference

ASTRONAUT = skimage.data.astronaut()
COFFEE = skimage.data.coffee()


def grey(image):
    return np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.uint8)


def ab(image):
    return np.asarray(rgb_to_lab(normalize(image)))[..., 1:]


def error(hints, image):
    """Mean absolute error of a and b at the hints, over the same of a grey picture."""
    is_hint = hints[..., 3] == 255
    wanted = ab(image)[is_hint]
    return np.abs(ab(hints[..., :3])[is_hint] - wanted).mean() / np.abs(wanted).mean()


@pytest.fixture(scope="module")
def reference():
    return Reference(ASTRONAUT)


def test_a_picture_gives_its_own_colours(reference):
    (hints,) = reference(grey(ASTRONAUT)[None])
    assert (hints.shape, hints.dtype) == ((512, 512, 4), np.uint8)
    assert set(np.unique(hints[..., 3])) == {0, 255}
    assert 0.3 < (hints[..., 3] == 255).mean() < 0.6  # squares in nearly all cells
    assert error(hints, ASTRONAUT) < 0.25  # hints have the mean colours of cells


def test_a_mirrored_and_smaller_picture_finds_its_colours(reference):
    picture = np.ascontiguousarray(ASTRONAUT[::2, ::-2])
    (hints,) = reference(grey(picture)[None])
    assert (hints[..., 3] == 255).mean() > 0.05
    assert error(hints, picture) < 0.5


def test_only_lightness_decides(reference):
    hints = reference(np.stack([ASTRONAUT, ASTRONAUT[..., ::-1]]))
    (own,) = reference(grey(ASTRONAUT)[None])
    assert (hints[0][..., 3] != own[..., 3]).mean() < 0.1  # grey levels are rounded differently
    assert len(hints) == 2


def test_another_scene_has_hardly_any_hint(reference):
    (own,) = reference(ASTRONAUT[None, :, ::-1])
    (other,) = reference(COFFEE[None])
    assert (other[..., 3] > 0).mean() < (own[..., 3] > 0).mean() / 20


@pytest.mark.parametrize("shape", [(16, 16), (20, 300), (70, 33)])
def test_hints_fit_small_and_long_pictures(reference, shape):
    (hints,) = reference(ASTRONAUT[None, 40 : 40 + shape[0], 100 : 100 + shape[1]])
    assert hints.shape == (*shape, 4)
