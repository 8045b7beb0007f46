"""What is finished is not made again, what is damaged is, and threads change nothing."""

import json

import cv2
import pytest

from cartoon_tfds.generation import local as local_module
from cartoon_tfds.generation.local import LocalRunner, library_versions
from cartoon_tfds.generation.survey import make_survey
from cartoon_tfds.images import read_image
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.packaged import PACKAGED, Packaged

SOURCE = Packaged(PACKAGED[1:3])  # chelsea and coffee, both of the test split


RECIPE = Cartoons(views_per_photo=10, view_size=64, line_width=1.0)  # in two parts


@pytest.fixture
def made(monkeypatch):
    """Lists the photograph and the part of each call of `Cartoons.make`."""
    calls, make = [], Cartoons.make

    def counted(self, photo, part):
        calls.append((photo.photo_id, part))
        return make(self, photo, part)

    monkeypatch.setattr(Cartoons, "make", counted)
    return calls


ALL = [(name, part) for name in ("chelsea", "coffee") for part in range(2)]


def _runner(folder, recipe=RECIPE, source=SOURCE):
    survey = make_survey([source], recipe, skip_bad=False)
    return LocalRunner(folder, (source,), recipe, survey)


def _parts(folder):
    return sorted(folder.rglob("*.zip"))


def test_examples_are_those_of_the_recipe_in_order(tmp_path):
    runner = _runner(tmp_path)
    runner.make_all()
    expected = [
        example for photo in SOURCE.photos() for part in range(2) for example in
        RECIPE.make(photo, part)
    ]  # fmt: skip
    assert list(runner.examples("test")) == expected
    assert len({key for key, _ in expected}) == len(expected) == 20
    assert list(runner.examples("test")) == expected  # as often as is wanted
    assert list(runner.examples("train")) == []


def test_examples_of_each_split_are_its_own(tmp_path):
    recipe, source = Cartoons(views_per_photo=2, view_size=32, line_width=1.0), Packaged()
    runner = _runner(tmp_path, recipe, source)
    runner.make_all()
    for split, count in (("train", 5), ("validation", 1), ("test", 2)):
        ids = [features["id"] for _, features in runner.examples(split)]
        photos = runner.survey.select([source], split)
        assert ids == [photo.photo_id for photo in photos for _ in range(2)]
        assert len(ids) == 2 * count


def test_what_is_finished_is_not_made_again(tmp_path, made):
    _runner(tmp_path).make_all(workers=1)
    assert made == ALL
    files = {path: path.stat().st_mtime_ns for path in _parts(tmp_path)}
    assert len(files) == 4
    _runner(tmp_path).make_all()
    assert made == ALL
    assert {path: path.stat().st_mtime_ns for path in _parts(tmp_path)} == files


def test_only_what_is_new_is_made(tmp_path, made):
    _runner(tmp_path, source=Packaged(PACKAGED[2:3])).make_all(workers=1)
    assert made == ALL[2:]
    _runner(tmp_path).make_all(workers=1)
    assert made == ALL[2:] + ALL[:2]


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "missing"])
def test_damaged_part_is_made_again(tmp_path, made, damage):
    runner = _runner(tmp_path)
    runner.make_all()
    expected = list(runner.examples("test"))
    path = _parts(tmp_path)[1]
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    made.clear()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"truncated": data[:-30], "empty": b"", "flipped": flipped}[damage])
    runner.make_all()
    assert len(made) == 1
    assert list(runner.examples("test")) == expected


@pytest.mark.parametrize(
    "change", [{"strength": 0.5}, {"view_size": 48}, {"style": "poster"}, {"views_per_photo": 9}]
)
def test_parts_of_another_recipe_lie_apart(tmp_path, made, change):
    first = _runner(tmp_path)
    first.make_all(workers=1)
    before = list(first.examples("test"))
    other = _runner(tmp_path, Cartoons(**{**vars(RECIPE), **change}))
    other.make_all(workers=1)
    assert made == 2 * ALL
    assert len(list(tmp_path.iterdir())) == 2
    assert list(other.examples("test")) != before
    assert list(first.examples("test")) == before


def test_parts_made_by_other_versions_of_the_libraries_lie_apart(tmp_path, made, monkeypatch):
    _runner(tmp_path).make_all(workers=1)
    for name, version in library_versions().items():
        newer = {**library_versions(), name: f"{version}.1"}
        monkeypatch.setattr(local_module, "library_versions", lambda newer=newer: newer)
        _runner(tmp_path).make_all(workers=1)
        monkeypatch.undo()
    assert len(list(tmp_path.iterdir())) == 1 + len(library_versions())


def test_library_versions_are_those_of_what_makes_pixels():
    versions = library_versions()
    assert versions["opencv-python-headless"].startswith(cv2.__version__)
    assert {"numpy", "pillow"} <= versions.keys()
    assert json.loads(json.dumps(versions)) == versions


def test_one_worker_and_many_give_equal_examples(tmp_path):
    results = []
    for workers in (1, 2, 7, None):
        runner = _runner(tmp_path / f"{workers}")
        runner.make_all(workers=workers)
        results.append(list(runner.examples("test")))
        names = {
            path.relative_to(tmp_path / f"{workers}") for path in _parts(tmp_path / f"{workers}")
        }
        assert len(names) == 4
    assert len(results[0]) == 20
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("workers", [1, 3])
def test_error_of_one_photograph_ends_the_work_and_leaves_what_is_finished(
    tmp_path, made, monkeypatch, workers
):
    make, source = Cartoons.make, Packaged()

    def fail(self, photo, part):
        if photo.photo_id == "rocket":
            raise OSError("disk full")
        return make(self, photo, part)

    recipe = Cartoons(views_per_photo=1, view_size=64, line_width=1.0)
    runner = _runner(tmp_path, recipe, source)
    monkeypatch.setattr(Cartoons, "make", fail)
    with pytest.raises(OSError, match="disk full"):
        runner.make_all(workers=workers)
    finished = [name for name, _ in made]
    assert {"astronaut", "chelsea", "coffee", "motorcycle"} <= set(finished)
    assert len(_parts(tmp_path)) == len(finished)
    monkeypatch.setattr(Cartoons, "make", make)
    made.clear()
    runner.make_all(workers=workers)
    again = [name for name, _ in made]
    assert "rocket" in again
    assert sorted(finished + again) == sorted(item.photo_id for item in PACKAGED)


def test_photographs_that_the_survey_leaves_out_are_not_made(tmp_path, made):
    survey = make_survey([SOURCE], RECIPE, skip_bad=False).first(1)
    runner = LocalRunner(tmp_path, (SOURCE,), RECIPE, survey)
    runner.make_all()
    assert {name for name, _ in made} == {"chelsea"}
    assert {features["id"] for _, features in runner.examples("test")} == {"chelsea"}


def test_other_recipes_have_parts_too(tmp_path):
    runner = _runner(tmp_path, Pictures(size=32))
    runner.make_all()
    images = [read_image(features["image"]) for _, features in runner.examples("test")]
    assert [image.shape for image in images] == [(32, 48, 3), (32, 48, 3)]
