"""What is made of a photograph: the pixels, the keys and where they come from."""

import dataclasses
import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.images import ImageError, read_image, write_png
from cartoon_tfds.recipes import cartoons
from cartoon_tfds.recipes.base import Recipe
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.views import cut_view, draw_views
from cartoon_tfds.sources.folders import PictureFolder
from cartoon_tfds.styles import STYLES, cartoonize
from tests.cartoon_tfds.recipes.examples import assert_provenance, decoded, make_all

SMALL = {"views_per_photo": 3, "view_size": 64, "line_width": 1.0}


@pytest.mark.parametrize("name", ["chelsea", "grace_hopper"])
def test_cartoons_are_of_views_in_order(photos, name):
    photo = photos[name]
    examples = make_all(Cartoons(**SMALL), photo)
    image = np.array(Image.open(io.BytesIO(photo.data)).convert("RGB"))
    views = draw_views(photo.sha256, *image.shape[:2], num_views=3, view_size=64)
    assert [key for key, _ in examples] == [f"{photo.sha256}-{number}" for number in range(3)]
    for (_, features), view in zip(examples, views, strict=True):
        cut = cut_view(image, view)
        cartoon = decoded(features["cartoon"])
        np.testing.assert_array_equal(decoded(features["photo"]), cut)
        np.testing.assert_array_equal(cartoon, cartoonize(cut, "ink", line_width=1.0))
        assert cartoon.shape == cut.shape
        assert min(cut.shape[:2]) == 64
        assert (cartoon != cut).any()


def test_provenance_of_cartoons(photos):
    photo = photos["coffee"]
    recipe = Cartoons(**SMALL, style="poster", strength=0.75)
    views = draw_views(photo.sha256, 400, 600, num_views=3, view_size=64)
    for (_, features), view in zip(make_all(recipe, photo), views, strict=True):
        assert features.keys() == recipe.features().keys()
        assert_provenance(features, photo)
        assert features["view"] == [view.left, view.top, view.width, view.height]
        left, top, width, height = features["view"]
        assert 0 <= left < left + width <= 600
        assert 0 <= top < top + height <= 400
        assert features["style"] == "poster"
        assert features["strength"] == 0.75
        assert features["style_version"] == STYLES["poster"].version
    assert make_all(recipe, photo)[0][1]["view"] == [0, 0, 600, 400]


def test_views_take_turns_in_several_styles(photos):
    recipe = Cartoons(**{**SMALL, "views_per_photo": 6}, style="poster,sketch,classic")
    firsts = set()
    for photo in photos.values():
        drawn = [features for _, features in make_all(recipe, photo)]
        styles = [features["style"] for features in drawn]
        firsts.add(styles[0])
        assert set(styles[:3]) == {"poster", "sketch", "classic"}
        assert styles[:3] == styles[3:]
        for features in drawn[:3]:
            style, view = features["style"], decoded(features["photo"])
            assert features["style_version"] == STYLES[style].version
            cartoon = cartoonize(view, style, line_width=1.0)
            np.testing.assert_array_equal(decoded(features["cartoon"]), cartoon)
    assert len(firsts) > 1  # a whole photograph, the first view, is not always drawn alike


def test_what_one_style_depends_on_is_described_as_ever():
    assert Cartoons(style="poster").describe() == {
        "kind": "Cartoons",
        "style": "poster",
        "strength": 1.0,
        "line_width": 2.0,
        "views_per_photo": 64,
        "view_size": 256,
        "style_version": STYLES["poster"].version,
    }
    versions = {name: STYLES[name].version for name in ("ink", "poster")}
    assert Cartoons(style="ink,poster").describe()["style_version"] == versions


def test_what_examples_show_can_be_kept_as_json(photos):
    for _, features in make_all(Cartoons(**SMALL), photos["coffee"]):
        kept = {name: value for name, value in features.items() if not isinstance(value, bytes)}
        assert json.loads(json.dumps(kept)) == kept


@pytest.mark.parametrize(
    "options", [{"style": "poster"}, {"strength": 0.5}, {"line_width": 2.5}, {"style": "classic"}]
)
def test_style_strength_and_line_width_are_passed_on(photos, options):
    (example,) = make_all(Cartoons(**{**SMALL, "views_per_photo": 1, **options}), photos["coffee"])
    view = decoded(example[1]["photo"])
    cartoon = decoded(example[1]["cartoon"])
    options = {"style": "ink", "line_width": 1.0, **options}
    np.testing.assert_array_equal(cartoon, cartoonize(view, **options))
    assert (cartoon != cartoonize(view, "ink", line_width=1.0)).any()


def test_no_strength_leaves_the_photograph(photos):
    for _, features in make_all(Cartoons(**SMALL, strength=0.0), photos["coffee"]):
        assert features["cartoon"] == features["photo"]


@pytest.mark.parametrize("views_per_part", [1, 2, 3, 5, 7, 100])
def test_parts_together_are_all_views(photos, monkeypatch, views_per_part):
    monkeypatch.setattr(cartoons, "cartoonize", lambda view, *_, **__: view)  # the views alone
    recipe, photo = Cartoons(views_per_photo=7, view_size=32), photos["coffee"]
    monkeypatch.setattr(Recipe, "examples_per_part", 7)
    assert recipe.num_examples(photo) == 7
    assert recipe.num_parts(7) == 1
    expected = recipe.make(photo, 0)
    monkeypatch.setattr(Recipe, "examples_per_part", views_per_part)
    assert recipe.num_parts(7) == -(-7 // views_per_part)
    sizes = [len(recipe.make(photo, part)) for part in range(recipe.num_parts(7))]
    assert all(sizes)
    assert max(sizes) <= views_per_part
    assert make_all(recipe, photo) == expected
    assert (
        len({key for key, _ in expected})
        == recipe.num_examples(photos["coffee"])
        == len(expected)
        == 7
    )


def test_weight_of_a_photograph_multiplies_its_views(photos):
    recipe, photo = Cartoons(views_per_photo=3, view_size=32), photos["coffee"]
    heavy = dataclasses.replace(photo, weight=4)
    assert recipe.num_examples(heavy) == 12
    examples = make_all(recipe, heavy)
    assert len(examples) == 12
    assert examples[:3] == make_all(recipe, photo)
    assert heavy.key != photo.key  # what is finished of the one is not taken for the other


def test_keys_are_unique_in_all_photographs(photos):
    recipe = Cartoons(**SMALL)
    keys = [
        key for name in ("coffee", "rocket", "china") for key, _ in make_all(recipe, photos[name])
    ]
    assert len(set(keys)) == len(keys) == 9


def test_more_views_keep_the_ones_before(photos):
    few = make_all(Cartoons(**SMALL), photos["rocket"])
    more = make_all(Cartoons(**{**SMALL, "views_per_photo": 5}), photos["rocket"])
    assert more[:3] == few


def test_photograph_too_thin_to_be_drawn_is_unusable(tmp_path, photos):
    # Its whole view would be 64 by 40000 pixels, more than a style can take: better said by
    # `read`, of all photographs at once, than by `make` after hours.
    strip = read_image(photos["coffee"].data)[200:208]
    write_png(tmp_path / "strip.png", cv2.resize(strip, (5000, 8)))
    (photo,) = PictureFolder(tmp_path, "mine").photos()
    with pytest.raises(ImageError, match=r"^strip\.png: "):
        Cartoons(**SMALL).read(photo)


def test_description_changes_with_the_version_of_the_style(monkeypatch, photos):
    before = Cartoons(**SMALL).describe()
    newer = {**STYLES, "ink": dataclasses.replace(STYLES["ink"], version=99)}
    monkeypatch.setattr(cartoons, "STYLES", newer)
    assert Cartoons(**SMALL).describe() != before
    assert make_all(Cartoons(**SMALL), photos["coffee"])[0][1]["style_version"] == 99
