"""Pictures: unchanged, or scaled to a given short side."""

import io

import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.recipes.pictures import Pictures
from tests.cartoon_tfds.recipes.examples import assert_provenance, decoded, make_all


def test_picture_as_it_is(photos):
    recipe, photo = Pictures(), photos["grace_hopper"]
    ((key, features),) = make_all(recipe, photo)
    assert key == photo.sha256
    assert features.keys() == recipe.features().keys()
    assert_provenance(features, photo)
    expected = np.array(Image.open(io.BytesIO(photo.data)))
    np.testing.assert_array_equal(decoded(features["image"]), expected)


@pytest.mark.parametrize(
    ("name", "size", "shape"),
    [
        ("coffee", 100, (100, 150)),
        ("grace_hopper", 128, (150, 128)),
        ("chelsea", 300, (300, 451)),
        ("chelsea", 600, (600, 902)),
    ],
)
def test_picture_of_a_given_short_side(photos, name, size, shape):
    ((_, features),) = make_all(Pictures(size=size), photos[name])
    result = decoded(features["image"])
    assert result.shape == (*shape, 3)
    original = Image.open(io.BytesIO(photos[name].data)).convert("RGB")
    # Another library's resizing: the same scene, upright and with channels in the same order.
    smooth, blocks = (
        np.abs(result.astype(int) - original.resize(shape[::-1], method)).mean()
        for method in (Image.Resampling.BICUBIC, Image.Resampling.NEAREST)
    )
    assert smooth < 2
    if size == min(original.size):
        np.testing.assert_array_equal(result, original)
    else:
        assert 2 * smooth < blocks
