"""Captions of panels, and the places of their images."""

import numpy as np
import pytest

from pix2pix_flax.image.sheet import beside, panel, places

CAPTIONS = ("photo", "cartoon", "prediction")


@pytest.mark.parametrize(("side", "lines"), [(32, 3), (128, 1)])
def test_captions_that_do_not_fit_stand_below_one_another(side, lines):
    images = np.random.default_rng(0).integers(0, 255, (3, side, side, 3), np.uint8)
    rows = [beside(list(images))] * 2
    picture, (first, second) = panel(rows, CAPTIONS), places(rows, CAPTIONS)
    for found in (first, second):
        for image, (left, top, right, bottom) in zip(images, found, strict=True):
            np.testing.assert_array_equal(picture[top:bottom, left:right], image)
    text = picture[: first[0][1] - 4] < 128
    assert text.shape[0] == 20 * lines
    assert all(line.any() for line in np.split(text, lines))
    assert not text[:, -2:].any(), "the longest caption is cut"
