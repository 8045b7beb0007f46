"""What is finished is not made again, what is damaged is, and threads change nothing."""

import itertools
import json
import threading
import time
import zipfile

import cv2
import pytest

from cartoon_tfds.generation import local as local_module
from cartoon_tfds.generation.local import LocalRunner, library_versions
from cartoon_tfds.generation.parallel import map_in_order, one_opencv_thread, progress_bar
from cartoon_tfds.generation.part_store import PartStore
from cartoon_tfds.generation.survey import make_survey
from cartoon_tfds.images import read_image
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.packaged import PACKAGED, Packaged

SOURCE = Packaged(PACKAGED[1:3])  # chelsea and coffee, both of the test split
RECIPE = Cartoons(views_per_photo=10, view_size=64, line_width=1.0)  # in two parts
EXAMPLES = [
    ("a-0", {"photo": b"\x89PNG first", "view": [0, 0, 2, 3], "id": "Ü 写真", "strength": 0.7}),
    ("a-1", {"photo": b"\x89PNG second", "view": [1, 0, 2, 2], "id": "x", "strength": 0.1}),
]


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


@pytest.fixture
def part(tmp_path):
    """A part store and the file of a part in it."""
    store = PartStore(tmp_path)
    store.save("key-0", EXAMPLES)
    (path,) = _parts(tmp_path)
    return store, path


def test_part_is_loaded_as_it_was_saved(part):
    store, path = part
    assert store.holds("key-0")
    assert store.load("key-0") == EXAMPLES
    assert not store.holds("key-1")
    store.save("key-0", EXAMPLES[:1])
    assert store.load("key-0") == EXAMPLES[:1]
    assert [file for file in path.parent.parent.rglob("*") if file.is_file()] == [path]


def test_any_zip_tool_shows_the_pictures_of_a_part(part):
    with zipfile.ZipFile(part[1]) as file:
        assert sorted(file.namelist()) == ["a-0.photo.png", "a-1.photo.png", "examples.json"]
        assert file.read("a-1.photo.png") == b"\x89PNG second"
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize("length", [0, 1, 20, 100, 0.5, 0.9, -1])
def test_truncated_part_is_not_there(part, length):
    store, path = part
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * length) if isinstance(length, float) else length])
    assert not store.holds("key-0")


def test_zip_file_without_an_index_is_no_part(part):
    store, path = part
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a-0.photo.png", b"1")
    assert not store.holds("key-0")


def test_part_with_any_bit_flipped_is_not_there_or_unharmed(part):
    store, path = part
    data = path.read_bytes()
    damaged = 0
    for position, bit in itertools.product(range(len(data)), (0, 3, 7)):
        changed = bytearray(data)
        changed[position] ^= 1 << bit
        path.write_bytes(changed)
        if store.holds("key-0"):
            assert store.load("key-0") == EXAMPLES, (position, bit)
        else:
            damaged += 1
    assert damaged > len(data)


def test_part_that_cannot_be_written_leaves_nothing(part):
    store, path = part
    before = path.read_bytes()
    for key in ("key-0", "key-1"):
        with pytest.raises(TypeError):
            store.save(key, [*EXAMPLES, ("a-2", {"photo": b"1", "view": {1, 2}})])
    assert [file for file in path.parent.parent.rglob("*") if file.is_file()] == [path]
    assert path.read_bytes() == before


def test_part_is_not_there_before_it_is_complete(tmp_path):
    store, seen = PartStore(tmp_path), []

    def examples():
        yield EXAMPLES[0]
        seen.append((store.holds("key-0"), [path.name[0] for path in tmp_path.glob("*/*")]))
        yield EXAMPLES[1]

    store.save("key-0", examples())
    assert seen == [(False, ["."])]
    assert store.holds("key-0")


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
    "change", [{"strength": 0.5}, {"view_size": 48}, {"style": "soft"}, {"views_per_photo": 9}]
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


def _slow_first(number):
    time.sleep(0.03 if number % 4 == 0 else 0)
    return number * number


@pytest.mark.parametrize("workers", [1, 2, 9, None])
def test_results_come_in_the_order_of_the_items(workers):
    assert list(map_in_order(_slow_first, range(20), workers)) == [n * n for n in range(20)]
    assert list(map_in_order(_slow_first, [], workers)) == []


def test_as_many_threads_work_at_once_as_there_are_workers():
    barrier = threading.Barrier(3, timeout=10)  # fewer threads would break it
    names = set(map_in_order(
        lambda _: (barrier.wait(), threading.current_thread().name)[1], range(3), 3))  # fmt: skip
    assert len(names) == 3


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_items_are_taken_as_they_are_needed(workers):
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(threading.current_thread())
            yield number

    running = map_in_order(_slow_first, endless(), workers)
    assert not taken
    for count in range(1, 21):
        next(running)
        assert len(taken) < count + 4 * workers
    running.close()
    assert set(taken) == {threading.main_thread()}


@pytest.fixture
def two_opencv_threads():
    """Sets OpenCV to two threads for a test."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("two_opencv_threads")
def test_opencv_works_in_the_calling_thread_only_and_is_restored():
    inside = list(map_in_order(lambda _: cv2.getNumThreads(), range(5), 2))
    assert inside == [1] * 5
    assert cv2.getNumThreads() == 2
    running = map_in_order(_slow_first, range(100), 2)
    next(running)
    assert cv2.getNumThreads() == 1
    running.close()
    assert cv2.getNumThreads() == 2
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(lambda number: 1 / number, [1, 0], 2))
    assert cv2.getNumThreads() == 2
    with one_opencv_thread():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == 2


def test_first_error_in_order_is_raised():
    results = []

    def work(number):
        time.sleep(0.03 if number == 6 else 0)
        if number in (6, 7):
            raise ValueError(f"number {number}")
        return number

    with pytest.raises(ValueError, match="number 6"):
        results.extend(map_in_order(work, itertools.count(), 2))
    assert results == list(range(6))


def test_what_has_not_begun_is_dropped_after_an_error():
    begun = []

    def work(number):
        begun.append(number)
        if number == 0:
            raise ValueError
        time.sleep(0.2)

    with pytest.raises(ValueError):  # noqa: PT011 (it has no message)
        list(map_in_order(work, range(100), 1))
    assert begun in ([0], [0, 1])


def test_error_of_the_items_is_raised():
    def items():
        yield 1
        raise OSError("archive damaged")

    with pytest.raises(OSError, match="archive damaged"):
        list(map_in_order(_slow_first, items(), 2))


@pytest.mark.parametrize("shown", [True, False])
def test_progress_bar_yields_everything_and_writes_only_to_terminals(capsys, shown):
    bar = progress_bar(iter(range(5)), shown, desc="drawing", unit="image", total=5, scale=8)
    assert list(bar) == list(range(5))
    assert capsys.readouterr() == ("", "")


def test_progress_bar_counts_units(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    list(progress_bar(range(5), True, desc="drawing", unit="image", total=5, scale=8))
    shown = capsys.readouterr().err
    assert "drawing" in shown
    assert "40/40" in shown
    assert "images" in shown
