"""Ready pairs: the pixels of both pictures, and the pairs that are refused."""

import dataclasses
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.images import ImageError, encode_png, read_image, write_png
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.sources.base import Photo
from cartoon_tfds.sources.folders import PairFolders
from cartoon_tfds.sources.splits import content_hash
from tests.cartoon_tfds.recipes.examples import assert_provenance, decoded, pair_of_files


def _side_by_side(folder, image):
    write_png(folder / "one.png", image)
    (photo,) = PairFolders(folder, license="mine").photos()
    return photo


@pytest.mark.parametrize("two_files", [True, False])
def test_ready_pair_has_the_pixels_of_both_pictures(tmp_path, pixels, two_files):
    first, second = pixels
    if two_files:
        photo = pair_of_files(tmp_path, first, second)
        both = [(tmp_path / name / "one.png").read_bytes() for name in ("inputs", "targets")]
        assert photo.sha256 == content_hash(" ".join(map(content_hash, both)).encode())
    else:
        photo = _side_by_side(tmp_path, np.concatenate([first, second], axis=1))
        assert photo.sha256 == content_hash((tmp_path / "one.png").read_bytes())
    recipe = ReadyPairs()
    assert recipe.num_examples(photo) == recipe.num_parts(1) == 1
    ((key, features),) = recipe.make(photo, 0)
    assert key == photo.sha256
    assert features.keys() == recipe.features().keys()
    assert_provenance(features, photo)
    assert (photo.photo_id, photo.source, photo.license) == ("one", "one.png", "mine")
    np.testing.assert_array_equal(decoded(features["input"]), first)
    np.testing.assert_array_equal(decoded(features["target"]), second)
    np.testing.assert_array_equal(recipe.read(photo), first)


def test_ready_pair_of_an_odd_width_is_no_two_halves(tmp_path, pixels):
    photo = _side_by_side(tmp_path, pixels[0][:, :71])
    with pytest.raises(ImageError, match=r"^one: 71 pixels wide, but .* need an even width$"):
        ReadyPairs().read(photo)


@pytest.mark.parametrize("shape", [(48, 71), (47, 72), (24, 36), (72, 48)])
def test_ready_pair_of_two_sizes_is_refused(tmp_path, pixels, shape):
    other = cv2.resize(pixels[1], shape[::-1])
    photo = pair_of_files(tmp_path, pixels[0], other)
    cause = rf"^one: the input is 72x48 pixels, the target {shape[1]}x{shape[0]}$"
    with pytest.raises(ImageError, match=cause):
        ReadyPairs().read(photo)


def test_ready_pair_says_which_of_its_files_is_damaged(tmp_path, pixels):
    photo = pair_of_files(tmp_path, *pixels)
    with pytest.raises(ImageError, match=r"^one \(target\): damaged"):
        ReadyPairs().read(dataclasses.replace(photo, target=photo.target[:1000]))
    with pytest.raises(ImageError, match=r"^one: damaged"):
        ReadyPairs().read(dataclasses.replace(photo, data=photo.data[:1000]))


@pytest.mark.parametrize("transparent", [0, bytes([0, 255, 128])], ids=["a colour", "shares"])
@pytest.mark.parametrize("side", ["input", "target"])
def test_palette_of_a_label_map_keeps_its_colours_under_transparency(side, transparent):
    classes = np.random.default_rng(0).integers(0, 3, (20, 30), dtype=np.uint8)
    colours = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0]], np.uint8)
    labels = Image.fromarray(classes)
    labels.putpalette(colours.tobytes())
    mask = io.BytesIO()
    labels.save(mask, "PNG", transparency=transparent)
    files = [encode_png(np.full((20, 30, 3), 99, np.uint8)), mask.getvalue()]
    first, second = files if side == "target" else files[::-1]
    ((_, example),) = ReadyPairs().make(Photo("a", first, "a", "mine", target=second), 0)
    np.testing.assert_array_equal(read_image(example[side]), colours[classes])


def test_transparent_colours_of_a_photograph_lie_on_white():
    clear = encode_png(np.zeros((20, 30, 4), np.uint8))
    plain = encode_png(np.full((20, 30, 3), 99, np.uint8))
    ((_, example),) = ReadyPairs().make(Photo("a", plain, "a", "mine", target=clear), 0)
    assert (read_image(example["target"]) == 255).all()
