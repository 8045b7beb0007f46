"""Copies of a photograph: used once, and never in a split beside the one they are measured by."""

import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.generation.near_duplicates import MAX_DISTANCE
from cartoon_tfds.generation.survey import Skipped
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.sources.folders import PairFolders
from cartoon_tfds.sources.splits import SPLITS, content_hash, split_of
from tests.cartoon_tfds.generation.surveys import jpeg, names_used, splits_of, survey_of, write

NAMES = ["astronaut", "chelsea", "coffee", "motorcycle", "rocket", "china", "flower"]


def _in_split(picture, split):
    """Returns a JPEG file of the picture whose content belongs to the split."""
    files = (jpeg(picture, str(number)) for number in range(1000))
    return next(data for data in files if split_of(content_hash(data)) == split)


def test_same_bytes_are_used_once(tmp_path, pictures):
    data = jpeg(pictures["coffee"])
    names = ["a/one.jpg", "b/two.jpg", "three.png"]
    source = write(tmp_path, {**dict.fromkeys(names, data), "zoo.jpg": jpeg(pictures["chelsea"])})
    survey = survey_of(source)
    assert names_used(survey, source) == ["a/one.jpg", "zoo.jpg"]
    assert survey.skipped == (
        Skipped("b/two.jpg", "duplicate", "same bytes as a/one.jpg"),
        Skipped("three.png", "duplicate", "same bytes as a/one.jpg"),
    )
    assert survey.counts() == {"duplicate": 2}


def test_one_folder_given_twice_is_used_once(tmp_path, pictures):
    source = write(tmp_path, {f"{name}.jpg": jpeg(pictures[name]) for name in NAMES[:2]})
    survey = survey_of(source, source)
    assert names_used(survey, source, source) == ["astronaut.jpg", "chelsea.jpg"]
    assert survey.counts() == {"duplicate": 2}


@pytest.mark.parametrize(
    ("less", "more"), [("train", "validation"), ("train", "test"), ("validation", "test")]
)
@pytest.mark.parametrize("names", [("a.jpg", "b.jpg"), ("b.jpg", "a.jpg")])
def test_copy_of_what_is_measured_is_left_out(tmp_path, pictures, less, more, names):
    left_out, kept = names
    files = {
        left_out: _in_split(pictures["coffee"].resize((60, 40)), less),
        kept: _in_split(pictures["coffee"], more),
        "other.jpg": _in_split(pictures["chelsea"], less),
        "third.jpg": _in_split(pictures["china"], more),
    }
    source = write(tmp_path, files)
    survey = survey_of(source)
    assert sorted(names_used(survey, source)) == sorted([kept, "other.jpg", "third.jpg"])
    (skipped,) = survey.skipped
    assert (skipped.photo_id, skipped.reason) == (left_out, "near duplicate")
    start, _, end = skipped.detail.partition(": ")
    assert start == f"like {kept} in {more}"
    bits, rest = end.split(" ", 1)
    assert 0 <= int(bits) <= MAX_DISTANCE
    assert rest == "of 256 bits differ"


def test_the_nearest_copy_is_named(tmp_path, pictures):
    picture = pictures["coffee"]
    cropped = picture.crop((1, 1, 95, 63)).resize((60, 40))
    files = {
        "a.jpg": _in_split(cropped, "test"),
        "b.jpg": _in_split(picture, "train"),
        "c.jpg": _in_split(picture, "test"),
    }
    (skipped,) = survey_of(write(tmp_path, files)).skipped
    assert skipped == Skipped("b.jpg", "near duplicate", "like c.jpg in test: 0 of 256 bits differ")


def test_of_copies_in_all_splits_the_one_in_test_stays(tmp_path, pictures):
    files = {f"{split}.jpg": _in_split(pictures["coffee"], split) for split in SPLITS}
    source = write(tmp_path, files)
    survey = survey_of(source)
    assert names_used(survey, source) == ["test.jpg"]
    assert {skipped.photo_id for skipped in survey.skipped} == {"train.jpg", "validation.jpg"}
    assert survey.counts() == {"near duplicate": 2}


@pytest.mark.parametrize("split", SPLITS)
def test_copies_in_one_split_stay(tmp_path, pictures, split):
    sizes = [(96, 64), (60, 40), (48, 32)]
    files = {f"{size[0]}.jpg": _in_split(pictures["coffee"].resize(size), split) for size in sizes}
    source = write(tmp_path, files)
    survey = survey_of(source)
    assert list(splits_of(survey).values()) == [split] * 3
    assert survey.skipped == ()


def test_different_photographs_in_different_splits_stay(tmp_path, pictures):
    files = {
        f"{name}.jpg": _in_split(pictures[name], SPLITS[number % 3])
        for number, name in enumerate(NAMES)
    }
    survey = survey_of(write(tmp_path, files))
    assert len(survey.used) == len(NAMES)
    assert survey.skipped == ()


def _pairs(tmp_path, files):
    """Writes pairs of a picture, with a number in its file, and its grey version."""
    for name, (picture, number) in files.items():
        write(tmp_path / "inputs", {name: jpeg(picture, f"{number}")})
        write(tmp_path / "targets", {name: jpeg(picture.convert("L"))})
    return PairFolders(tmp_path / "inputs", tmp_path / "targets", license="mine")


def test_pairs_with_splits_of_their_own_are_not_touched(tmp_path, pictures):
    # The same input, in other bytes, in all folders; and others whose content would say otherwise.
    files = {f"{split}/same.jpg": (pictures["coffee"], split) for split in ("train", "val", "test")}
    files |= {f"train/{name}.jpg": (pictures[name], 0) for name in NAMES}
    source = _pairs(tmp_path, files)
    survey = survey_of(source, recipe=ReadyPairs())
    assert survey.skipped == ()
    splits = {photo.photo_id: survey.used[photo.key].split for photo in survey.select([source])}
    assert splits == {
        **{f"train/{name}": "train" for name in (*NAMES, "same")},
        "val/same": "validation",
        "test/same": "test",
    }


def test_given_split_stays_beside_a_copy_whose_content_decides(tmp_path, pictures):
    pairs = _pairs(tmp_path, {"train/same.jpg": (pictures["coffee"], 0)})
    both = np.concatenate([np.asarray(pictures["coffee"])] * 2, axis=1)
    single = write(tmp_path / "single", {"copy.jpg": _in_split(Image.fromarray(both), "test")})
    survey = survey_of(pairs, PairFolders(single.folder, license="mine"), recipe=ReadyPairs())
    assert list(splits_of(survey).values()) == ["train", "test"]


def test_pairs_without_splits_are_split_by_the_content_of_both_files(tmp_path, pictures):
    source = _pairs(tmp_path, {f"{name}.jpg": (pictures[name], 0) for name in NAMES})
    survey = survey_of(source, recipe=ReadyPairs())
    assert splits_of(survey) == {photo.key: split_of(photo.sha256) for photo in source.photos()}


def test_near_duplicates_of_pairs_without_splits_are_found_by_their_inputs(tmp_path, pictures):
    # Enough copies that some fall into each split.
    files = {f"{number:02}.jpg": (pictures["coffee"], number) for number in range(60)}
    source = _pairs(tmp_path, files)
    assert {split_of(photo.sha256) for photo in source.photos()} == set(SPLITS)
    survey = survey_of(source, recipe=ReadyPairs())
    assert set(splits_of(survey).values()) == {"test"}
    assert len(survey.used) + survey.counts()["near duplicate"] == 60
