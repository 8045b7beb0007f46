"""What is made of a photograph: the pixels, the keys and where they come from."""

import dataclasses
import io
import json
import pickle

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.images import ImageError, encode_png, read_image, write_png
from cartoon_tfds.recipes import cartoons
from cartoon_tfds.recipes.base import Recipe
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.comics import Panels
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.recipes.views import cut_view, draw_views
from cartoon_tfds.sources.folders import PairFolders, PictureFolder
from cartoon_tfds.sources.packaged import iter_packaged
from cartoon_tfds.sources.splits import content_hash
from cartoon_tfds.styles import STYLES, cartoonize

SMALL = {"views_per_photo": 3, "view_size": 64, "line_width": 1.0}


@pytest.fixture(scope="module")
def photos():
    """The packaged photographs by name."""
    return {photo.photo_id: photo for photo in iter_packaged()}


@pytest.fixture(scope="module")
def pixels(photos):
    """Two photographs, decoded and made small: uint8 [48, 72, 3]."""
    pictures = (Image.open(io.BytesIO(photos[name].data)) for name in ("coffee", "chelsea"))
    return [np.array(picture.convert("RGB").resize((72, 48))) for picture in pictures]


def _make_all(recipe, photo):
    """Returns the examples of all parts."""
    return [
        example for part in range(recipe.num_parts(photo)) for example in recipe.make(photo, part)
    ]


def _decoded(png):
    """Returns the pixels, read by another decoder than the package's."""
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)


def _assert_provenance(features, photo):
    assert features["id"] == photo.photo_id
    assert features["source"] == photo.source
    assert features["license"] == photo.license
    assert features["theme"] == photo.theme
    assert features["sha256"] == photo.sha256


@pytest.mark.parametrize("name", ["chelsea", "grace_hopper"])
def test_cartoons_are_of_views_in_order(photos, name):
    photo = photos[name]
    examples = _make_all(Cartoons(**SMALL), photo)
    image = np.array(Image.open(io.BytesIO(photo.data)).convert("RGB"))
    views = draw_views(photo.sha256, *image.shape[:2], num_views=3, view_size=64)
    assert [key for key, _ in examples] == [f"{photo.sha256}-{number}" for number in range(3)]
    for (_, features), view in zip(examples, views, strict=True):
        cut = cut_view(image, view)
        cartoon = _decoded(features["cartoon"])
        np.testing.assert_array_equal(_decoded(features["photo"]), cut)
        np.testing.assert_array_equal(cartoon, cartoonize(cut, "ink", line_width=1.0))
        assert cartoon.shape == cut.shape
        assert min(cut.shape[:2]) == 64
        assert (cartoon != cut).any()


def test_provenance_of_cartoons(photos):
    photo = photos["coffee"]
    recipe = Cartoons(**SMALL, style="soft", strength=0.75)
    views = draw_views(photo.sha256, 400, 600, num_views=3, view_size=64)
    for (_, features), view in zip(_make_all(recipe, photo), views, strict=True):
        assert features.keys() == recipe.features().keys()
        _assert_provenance(features, photo)
        assert features["view"] == [view.left, view.top, view.width, view.height]
        left, top, width, height = features["view"]
        assert 0 <= left < left + width <= 600
        assert 0 <= top < top + height <= 400
        assert features["style"] == "soft"
        assert features["strength"] == 0.75
        assert features["style_version"] == STYLES["soft"].version
    assert _make_all(recipe, photo)[0][1]["view"] == [0, 0, 600, 400]


def test_views_take_turns_in_several_styles(photos):
    recipe = Cartoons(**{**SMALL, "views_per_photo": 6}, style="soft,sketch,classic")
    firsts = set()
    for photo in photos.values():
        drawn = [features for _, features in _make_all(recipe, photo)]
        styles = [features["style"] for features in drawn]
        firsts.add(styles[0])
        assert set(styles[:3]) == {"soft", "sketch", "classic"}
        assert styles[:3] == styles[3:]
        for features in drawn[:3]:
            style, view = features["style"], _decoded(features["photo"])
            assert features["style_version"] == STYLES[style].version
            cartoon = cartoonize(view, style, line_width=1.0)
            np.testing.assert_array_equal(_decoded(features["cartoon"]), cartoon)
    assert len(firsts) > 1  # a whole photograph, the first view, is not always drawn alike


def test_what_one_style_depends_on_is_described_as_ever():
    assert Cartoons(style="soft").describe() == {
        "kind": "Cartoons",
        "style": "soft",
        "strength": 1.0,
        "line_width": 2.0,
        "views_per_photo": 64,
        "view_size": 256,
        "style_version": STYLES["soft"].version,
    }
    versions = {name: STYLES[name].version for name in ("ink", "soft")}
    assert Cartoons(style="ink,soft").describe()["style_version"] == versions


def test_what_examples_show_can_be_kept_as_json(photos):
    for _, features in _make_all(Cartoons(**SMALL), photos["coffee"]):
        kept = {name: value for name, value in features.items() if not isinstance(value, bytes)}
        assert json.loads(json.dumps(kept)) == kept


@pytest.mark.parametrize(
    "options", [{"style": "soft"}, {"strength": 0.5}, {"line_width": 2.5}, {"style": "classic"}]
)
def test_style_strength_and_line_width_are_passed_on(photos, options):
    (example,) = _make_all(Cartoons(**{**SMALL, "views_per_photo": 1, **options}), photos["coffee"])
    view = _decoded(example[1]["photo"])
    cartoon = _decoded(example[1]["cartoon"])
    options = {"style": "ink", "line_width": 1.0, **options}
    np.testing.assert_array_equal(cartoon, cartoonize(view, **options))
    assert (cartoon != cartoonize(view, "ink", line_width=1.0)).any()


def test_no_strength_leaves_the_photograph(photos):
    for _, features in _make_all(Cartoons(**SMALL, strength=0.0), photos["coffee"]):
        assert features["cartoon"] == features["photo"]


@pytest.mark.parametrize("views_per_part", [1, 2, 3, 5, 7, 100])
def test_parts_together_are_all_views(photos, monkeypatch, views_per_part):
    monkeypatch.setattr(cartoons, "cartoonize", lambda view, *_, **__: view)  # the views alone
    recipe, photo = Cartoons(views_per_photo=7, view_size=32), photos["coffee"]
    monkeypatch.setattr(Recipe, "examples_per_part", 7)
    assert recipe.num_parts(photo) == 1
    expected = recipe.make(photo, 0)
    monkeypatch.setattr(Recipe, "examples_per_part", views_per_part)
    assert recipe.num_parts(photo) == -(-7 // views_per_part)
    sizes = [len(recipe.make(photo, part)) for part in range(recipe.num_parts(photo))]
    assert all(sizes)
    assert max(sizes) <= views_per_part
    assert _make_all(recipe, photo) == expected
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
    examples = _make_all(recipe, heavy)
    assert len(examples) == 12
    assert examples[:3] == _make_all(recipe, photo)
    assert heavy.key != photo.key  # what is finished of the one is not taken for the other


def test_keys_are_unique_in_all_photographs(photos):
    recipe = Cartoons(**SMALL)
    keys = [
        key for name in ("coffee", "rocket", "china") for key, _ in _make_all(recipe, photos[name])
    ]
    assert len(set(keys)) == len(keys) == 9


def test_more_views_keep_the_ones_before(photos):
    few = _make_all(Cartoons(**SMALL), photos["rocket"])
    more = _make_all(Cartoons(**{**SMALL, "views_per_photo": 5}), photos["rocket"])
    assert more[:3] == few


def test_unreadable_photograph_is_named(photos):
    broken = dataclasses.replace(
        photos["rocket"], photo_id="broken/one.jpg", data=photos["rocket"].data[:9000]
    )
    for recipe in (Cartoons(**SMALL), Pictures(), ReadyPairs()):
        for call in (recipe.read, lambda photo, make=recipe.make: make(photo, 0)):
            with pytest.raises(ImageError, match=r"^broken/one\.jpg: damaged"):
                call(broken)


def test_photograph_too_thin_to_be_drawn_is_unusable(tmp_path, photos):
    # Its whole view would be 64 by 40000 pixels, more than a style can take: better said by
    # `read`, of all photographs at once, than by `make` after hours.
    strip = read_image(photos["coffee"].data)[200:208]
    write_png(tmp_path / "strip.png", cv2.resize(strip, (5000, 8)))
    (photo,) = PictureFolder(tmp_path, "mine").photos()
    with pytest.raises(ImageError, match=r"^strip\.png: "):
        Cartoons(**SMALL).read(photo)


def _two_files(folder, first, second):
    for name, image in (("inputs", first), ("targets", second)):
        (folder / name).mkdir()
        write_png(folder / name / "one.png", image)
    (photo,) = PairFolders(folder / "inputs", folder / "targets", license="mine").photos()
    return photo


def _side_by_side(folder, image):
    write_png(folder / "one.png", image)
    (photo,) = PairFolders(folder, license="mine").photos()
    return photo


@pytest.mark.parametrize("two_files", [True, False])
def test_ready_pair_has_the_pixels_of_both_pictures(tmp_path, pixels, two_files):
    first, second = pixels
    if two_files:
        photo = _two_files(tmp_path, first, second)
        both = [(tmp_path / name / "one.png").read_bytes() for name in ("inputs", "targets")]
        assert photo.sha256 == content_hash(" ".join(map(content_hash, both)).encode())
    else:
        photo = _side_by_side(tmp_path, np.concatenate([first, second], axis=1))
        assert photo.sha256 == content_hash((tmp_path / "one.png").read_bytes())
    recipe = ReadyPairs()
    assert recipe.num_parts(photo) == recipe.num_examples(photo) == 1
    ((key, features),) = recipe.make(photo, 0)
    assert key == photo.sha256
    assert features.keys() == recipe.features().keys()
    _assert_provenance(features, photo)
    assert (photo.photo_id, photo.source, photo.license) == ("one", "one.png", "mine")
    np.testing.assert_array_equal(_decoded(features["input"]), first)
    np.testing.assert_array_equal(_decoded(features["target"]), second)
    np.testing.assert_array_equal(recipe.read(photo), first)


def test_ready_pair_of_an_odd_width_is_no_two_halves(tmp_path, pixels):
    photo = _side_by_side(tmp_path, pixels[0][:, :71])
    with pytest.raises(ImageError, match=r"^one: 71 pixels wide, but .* need an even width$"):
        ReadyPairs().read(photo)


@pytest.mark.parametrize("shape", [(48, 71), (47, 72), (24, 36), (72, 48)])
def test_ready_pair_of_two_sizes_is_refused(tmp_path, pixels, shape):
    other = cv2.resize(pixels[1], shape[::-1])
    photo = _two_files(tmp_path, pixels[0], other)
    cause = rf"^one: the input is 72x48 pixels, the target {shape[1]}x{shape[0]}$"
    with pytest.raises(ImageError, match=cause):
        ReadyPairs().read(photo)


def test_ready_pair_says_which_of_its_files_is_damaged(tmp_path, pixels):
    photo = _two_files(tmp_path, *pixels)
    with pytest.raises(ImageError, match=r"^one \(target\): damaged"):
        ReadyPairs().read(dataclasses.replace(photo, target=photo.target[:1000]))
    with pytest.raises(ImageError, match=r"^one: damaged"):
        ReadyPairs().read(dataclasses.replace(photo, data=photo.data[:1000]))


def test_picture_as_it_is(photos):
    recipe, photo = Pictures(), photos["grace_hopper"]
    ((key, features),) = _make_all(recipe, photo)
    assert key == photo.sha256
    assert features.keys() == recipe.features().keys()
    _assert_provenance(features, photo)
    expected = np.array(Image.open(io.BytesIO(photo.data)))
    np.testing.assert_array_equal(_decoded(features["image"]), expected)


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
    ((_, features),) = _make_all(Pictures(size=size), photos[name])
    result = _decoded(features["image"])
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


@pytest.mark.parametrize("recipe", [Cartoons(**SMALL, style="soft"), ReadyPairs(), Pictures(32)])
def test_recipes_can_be_pickled_and_do_the_same_again(tmp_path, pixels, recipe):
    photo = _two_files(tmp_path, *pixels)
    same = pickle.loads(pickle.dumps(recipe))
    assert same == recipe
    assert same.describe() == recipe.describe()
    assert _make_all(same, photo) == _make_all(recipe, photo) == _make_all(recipe, photo)


@pytest.mark.parametrize(
    ("recipe", "changes"),
    [
        (
            Cartoons(),
            {
                "style": "soft",
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


def test_description_changes_with_the_version_of_the_style(monkeypatch, photos):
    before = Cartoons(**SMALL).describe()
    newer = {**STYLES, "ink": dataclasses.replace(STYLES["ink"], version=99)}
    monkeypatch.setattr(cartoons, "STYLES", newer)
    assert Cartoons(**SMALL).describe() != before
    assert _make_all(Cartoons(**SMALL), photos["coffee"])[0][1]["style_version"] == 99


@pytest.mark.parametrize("recipe", [Cartoons(), ReadyPairs(), Pictures(), Panels()])
def test_pictures_among_the_features_are_png(recipe):
    features = recipe.features()
    pictures = {name for name, feature in features.items() if getattr(feature, "shape", 0)[2:]}
    assert pictures == set(recipe.input_and_target or ("image",))
    assert set(recipe.input_and_target or ()) <= features.keys()
    png = encode_png(np.zeros((8, 8, 3), np.uint8))
    assert all(features[name].encode_example(png) == png for name in pictures)
    assert all(feature.doc.desc for feature in features.values())
