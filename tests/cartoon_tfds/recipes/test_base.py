"""All recipes: pickled, described for their folder of parts, and their features."""

import dataclasses
import json
import pickle

import numpy as np
import pytest

from cartoon_tfds.images import ImageError, encode_png
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.comics import Panels
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.recipes.pictures import Pictures
from tests.cartoon_tfds.recipes.examples import make_all, pair_of_files

SMALL = {"views_per_photo": 3, "view_size": 64, "line_width": 1.0}


def test_unreadable_photograph_is_named(photos):
    broken = dataclasses.replace(
        photos["rocket"], photo_id="broken/one.jpg", data=photos["rocket"].data[:9000]
    )
    for recipe in (Cartoons(**SMALL), Pictures(), ReadyPairs()):
        for call in (recipe.read, lambda photo, make=recipe.make: make(photo, 0)):
            with pytest.raises(ImageError, match=r"^broken/one\.jpg: damaged"):
                call(broken)


@pytest.mark.parametrize("recipe", [Cartoons(**SMALL, style="poster"), ReadyPairs(), Pictures(32)])
def test_recipes_can_be_pickled_and_do_the_same_again(tmp_path, pixels, recipe):
    photo = pair_of_files(tmp_path, *pixels)
    same = pickle.loads(pickle.dumps(recipe))
    assert same == recipe
    assert same.describe() == recipe.describe()
    assert make_all(same, photo) == make_all(recipe, photo) == make_all(recipe, photo)


@pytest.mark.parametrize(
    ("recipe", "changes"),
    [
        (
            Cartoons(),
            {
                "style": "poster",
                "strength": 0.5,
                "line_width": 1.0,
                "views_per_photo": 2,
                "view_size": 64,
            },
        ),
        (ReadyPairs(), {}),
        (Pictures(), {"size": 64}),
        (Panels(), {"size": 64}),
    ],
)
def test_description_changes_with_every_field(recipe, changes):
    assert changes.keys() == {field.name for field in dataclasses.fields(recipe)}
    described = json.dumps(recipe.describe(), sort_keys=True)
    assert json.loads(described) == recipe.describe()
    others = {
        json.dumps(dataclasses.replace(recipe, **{name: value}).describe(), sort_keys=True)
        for name, value in changes.items()
    }
    assert len(others - {described}) == len(changes)


def test_description_tells_recipes_apart():
    described = {json.dumps(recipe.describe()) for recipe in (Cartoons(), ReadyPairs(), Pictures())}
    assert len(described) == 3

    class SameFields(Pictures):
        pass

    assert SameFields().describe() != Pictures().describe()


@pytest.mark.parametrize("recipe", [Cartoons(), ReadyPairs(), Pictures(), Panels()])
def test_pictures_among_the_features_are_png(recipe):
    features = recipe.features()
    pictures = {name for name, feature in features.items() if getattr(feature, "shape", 0)[2:]}
    assert pictures == set(recipe.input_and_target or ("image",))
    assert set(recipe.input_and_target or ()) <= features.keys()
    png = encode_png(np.zeros((8, 8, 3), np.uint8))
    assert all(features[name].encode_example(png) == png for name in pictures)
    assert all(feature.doc.desc for feature in features.values())
