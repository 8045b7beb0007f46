"""Folders become photographs and pairs in a fixed order; whatever has no partner is named."""

import dataclasses
import io
import os
import pickle
from pathlib import Path

import pytest
from PIL import Image

from cartoon_tfds.images import PICTURE_SUFFIXES, read_image
from cartoon_tfds.sources.base import SourceError
from cartoon_tfds.sources.folders import PairFolders, PictureFolder
from cartoon_tfds.sources.packaged import iter_packaged
from cartoon_tfds.sources.splits import content_hash


@pytest.fixture(scope="module")
def picture():
    """A small packaged photograph."""
    photo = next(photo for photo in iter_packaged() if photo.photo_id == "coffee")
    return Image.fromarray(read_image(photo.data)).resize((48, 32))


@pytest.fixture
def fill(tmp_path, picture):
    """Writes one picture under each of the names, in a folder, and returns the folder."""

    def write(*names, under="photos"):
        for number, name in enumerate(names):
            path = tmp_path / under / name
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = io.BytesIO()  # the number in it makes the bytes of each file its own
            picture.save(stream, "JPEG", comment=f"{under} {number}")
            path.write_bytes(stream.getvalue())
        return tmp_path / under

    return write


def _names(source):
    return [photo.photo_id for photo in source.photos()]


def _problems(source):
    return {photo.photo_id: photo.problem for photo in source.photos() if photo.problem}


def test_pictures_of_all_folders_by_name_with_their_themes(fill):
    names = ["top.jpg", "b/2.jpg", "b/10.jpg", "b/deep/er/1.png", "a/z.jpg", "a b/1.jpg", "B/1.jpg"]
    folder = fill(*names)
    photos = list(PictureFolder(folder, "mine").photos())
    assert [photo.photo_id for photo in photos] == sorted(names)
    themes = {photo.photo_id: photo.theme for photo in photos}
    assert themes == {name: name.rpartition("/")[0].partition("/")[0] for name in names}
    assert themes["b/deep/er/1.png"] == "b"
    for photo in photos:
        path = folder / photo.photo_id
        assert photo.data == path.read_bytes()
        assert photo.sha256 == content_hash(photo.data)
        assert (photo.source, photo.license) == (path.name, "mine")
        assert (photo.target, photo.split, photo.problem) == (None, None, "")


def test_where_the_folder_lies_is_told_nobody(fill, tmp_path):
    for photo in PictureFolder(fill("a/1.jpg", "2.jpg"), "mine").photos():
        assert str(tmp_path) not in repr(dataclasses.replace(photo, data=b""))


def test_hidden_files_folders_and_other_files_are_not_taken(fill):
    hidden = [".hidden.jpg", "a/.hidden.png", ".folder/1.jpg", "a/.folder/deep/1.jpg", "._1.jpg"]
    other = ["notes.txt", "no_suffix", "a/page.pdf", "video.mp4", "1.jpg.part", "jpg"]
    folder = fill("1.jpg", *hidden, *other)
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")  # reading it would wait for ever
    assert _names(PictureFolder(folder, "mine")) == ["1.jpg"]


def test_a_hidden_folder_can_be_named_outright(fill):
    folder = fill("1.jpg", under=".photos")
    assert _names(PictureFolder(folder, "mine")) == ["1.jpg"]


def test_every_picture_suffix_in_small_and_capital_letters(fill):
    names = [f"{case(suffix[1:])}{case(suffix)}" for suffix in PICTURE_SUFFIXES
             for case in (str.lower, str.upper)]  # fmt: skip
    assert _names(PictureFolder(fill(*names), "mine")) == sorted(names)


def test_unicode_and_spaces_in_names(fill):
    names = [
        "Käse & Brot.jpg",
        "写真 1.png",
        "sub folder/ñ 'quoted'.jpg",
        "emoji 🐈.webp",
        "a.b.c.jpg",
    ]
    assert _names(PictureFolder(fill(*names), "mine")) == sorted(names)
    fill(*(f"{Path(name).with_suffix('')}.png" for name in names), under="targets")
    source = PairFolders(fill(*names), fill(under="targets"), license="mine")
    assert _names(source) == sorted(str(Path(name).with_suffix("")) for name in names)
    assert not _problems(source)


def test_linked_files_and_a_linked_folder_are_followed(fill, tmp_path):
    folder = fill("1.jpg")
    (folder / "2.jpg").symlink_to(folder / "1.jpg")
    (tmp_path / "link").symlink_to(folder)
    assert _names(PictureFolder(tmp_path / "link", "mine")) == ["1.jpg", "2.jpg"]


@pytest.mark.parametrize("kind", [PictureFolder, PairFolders])
def test_missing_and_empty_folders_are_named(fill, tmp_path, kind):
    with pytest.raises(SourceError, match=r"nowhere: no such folder$"):
        list(kind(tmp_path / "nowhere", license="mine").photos())
    folder = fill("notes.txt", ".hidden.jpg")
    with pytest.raises(SourceError, match=r"photos: no picture in it \(.*\.jpg .*\.png "):
        list(kind(folder, license="mine").photos())
    with pytest.raises(SourceError, match=r"notes\.txt: no such folder$"):
        list(kind(folder / "notes.txt", license="mine").photos())


def test_missing_and_empty_folder_of_targets_are_named(fill, tmp_path):
    inputs = fill("1.jpg", under="inputs")
    with pytest.raises(SourceError, match=r"nowhere: no such folder$"):
        list(PairFolders(inputs, tmp_path / "nowhere", license="mine").photos())
    with pytest.raises(SourceError, match=r"targets: no picture in it"):
        list(PairFolders(inputs, fill("1.txt", under="targets"), license="mine").photos())


def test_sources_can_be_read_often_and_pickled(fill):
    folder = fill("1.jpg", "2.jpg")
    for source in (PictureFolder(folder, "mine"), PairFolders(folder, folder, license="mine")):
        photos = list(source.photos())
        assert len(photos) == 2
        assert list(source.photos()) == photos
        assert list(pickle.loads(pickle.dumps(source)).photos()) == photos


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read")
def test_unreadable_file_is_a_problem_of_its_own(fill):
    folder = fill("a/1.jpg", "a/2.jpg")
    broken = folder / "a" / "broken.jpg"
    broken.symlink_to("/proc/self/mem")  # a file whose reading fails, for root too
    source = PictureFolder(folder, "mine")
    assert _names(source) == ["a/1.jpg", "a/2.jpg", "a/broken.jpg"]
    assert _problems(source) == {"a/broken.jpg": "a/broken.jpg: Input/output error"}

    targets = fill("a/1.png", "a/2.png", "a/broken.png", under="targets")
    for one, other in ((folder, targets), (targets, folder)):
        pairs = PairFolders(one, other, license="mine")
        assert _names(pairs) == ["a/1", "a/2", "a/broken"]
        assert _problems(pairs) == {"a/broken": "a/broken: Input/output error"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_file_without_permission_is_a_problem_of_its_own(fill):
    folder = fill("1.jpg", "2.jpg")
    (folder / "1.jpg").chmod(0)
    assert _problems(PictureFolder(folder, "mine")) == {"1.jpg": "1.jpg: Permission denied"}


def test_link_to_nowhere_is_not_passed_over_in_silence(fill):
    # Such as `git annex` leaves where a file was not fetched.
    folder = fill("1.jpg")
    (folder / "2.jpg").symlink_to(folder / "gone.jpg")
    problems = _problems(PictureFolder(folder, "mine"))
    assert problems == {"2.jpg": "2.jpg: No such file or directory"}


def test_pairs_are_matched_by_name_without_suffix(fill):
    inputs = fill("1.jpg", "10.jpg", "2.JPG", "sub/1.jpg", "a.b.jpg", under="inputs")
    targets = fill("sub/1.png", "2.png", "1.png", "a.b.webp", "10.bmp", under="targets")
    photos = list(PairFolders(inputs, targets, license="mine").photos())
    names = ["1", "10", "2", "a.b", "sub/1"]
    assert [photo.photo_id for photo in photos] == names
    for photo in photos:
        (first,) = (p for p in inputs.rglob("*.*") if _stem(p, inputs) == photo.photo_id)
        (second,) = (p for p in targets.rglob("*.*") if _stem(p, targets) == photo.photo_id)
        assert (photo.data, photo.target) == (first.read_bytes(), second.read_bytes())
        assert photo.data != photo.target
        assert (photo.source, photo.license, photo.problem) == (first.name, "mine", "")
        assert photo.split is None
    assert len({photo.sha256 for photo in photos}) == len(photos)


def _stem(path, folder):
    return path.relative_to(folder).with_suffix("").as_posix()


def test_pairs_side_by_side_have_one_file(fill):
    folder = fill("2.jpg", "1.png", "sub/3.jpg")
    photos = list(PairFolders(folder, license="mine").photos())
    assert [photo.photo_id for photo in photos] == ["1", "2", "sub/3"]
    assert photos[0].data == (folder / "1.png").read_bytes()
    assert {photo.target for photo in photos} == {None}
    assert not any(photo.problem for photo in photos)


@pytest.mark.parametrize("validation", ["val", "valid", "validation"])
def test_folders_named_like_splits_are_splits(fill, validation):
    names = [f"{folder}/{name}.jpg" for folder in ("train", validation, "test") for name in "ab"]
    names.append("train/deep/c.jpg")
    both = fill(*names, under="inputs"), fill(*names, under="targets")
    for source in (PairFolders(*both, license="mine"), PairFolders(both[0], license="mine")):
        splits = {photo.photo_id: photo.split for photo in source.photos()}
        assert splits == {
            **{f"train/{name}": "train" for name in ("a", "b", "deep/c")},
            **{f"{validation}/{name}": "validation" for name in "ab"},
            **{f"test/{name}": "test" for name in "ab"},
        }


def test_one_split_folder_alone_is_a_split(fill):
    source = PairFolders(fill("train/1.jpg", "train/2.jpg"), license="mine")
    assert [photo.split for photo in source.photos()] == ["train", "train"]


@pytest.mark.parametrize("other", ["3.jpg", "more/3.jpg", "training/3.jpg", "sub/test/3.jpg"])
def test_other_folders_beside_them_mean_no_splits(fill, other):
    source = PairFolders(fill("train/1.jpg", "test/2.jpg", other), license="mine")
    assert [photo.split for photo in source.photos()] == [None, None, None]


def test_other_folder_among_the_targets_means_no_splits(fill):
    inputs = fill("train/1.jpg", "test/2.jpg", under="inputs")
    targets = fill("train/1.jpg", "test/2.jpg", "more/3.jpg", under="targets")
    source = PairFolders(inputs, targets, license="mine")
    assert [photo.split for photo in source.photos()] == [None, None, None]


def test_file_named_like_a_split_is_none(fill):
    source = PairFolders(fill("train.jpg", "test.jpg"), license="mine")
    assert [photo.split for photo in source.photos()] == [None, None]
    source = PairFolders(fill("train/1.jpg", "test.jpg", under="mixed"), license="mine")
    assert [photo.split for photo in source.photos()] == [None, None]


def test_pictures_too_have_splits_of_their_own_with_themes_in_them(fill):
    names = ["train/1.jpg", "train/sea/deep/3.jpg", "val/sea/1.jpg", "test/2.jpg"]
    photos = PictureFolder(fill(*names), "mine").photos()
    found = {photo.photo_id: (photo.split, photo.theme) for photo in photos}
    splits = [("train", ""), ("train", "sea"), ("validation", "sea"), ("test", "")]
    assert found == dict(zip(names, splits, strict=True))
    photos = PictureFolder(fill("other/4.jpg"), "mine").photos()
    assert {(photo.split, photo.theme) for photo in photos} == {
        (None, theme) for theme in ("train", "val", "test", "other")
    }


def test_what_has_no_partner_is_named_on_either_side(fill, tmp_path):
    inputs = fill("both.jpg", "left.jpg", "sub/left.jpg", under="inputs")
    targets = fill("both.png", "right.png", under="targets")
    source = PairFolders(inputs, targets, license="mine")
    assert _names(source) == ["both", "left", "right", "sub/left"]
    problems = _problems(source)
    assert problems.keys() == {"left", "right", "sub/left"}
    for name in ("left", "sub/left"):
        assert problems[name].startswith(f"{name}: not in ")
        assert problems[name].endswith("targets")
    assert problems["right"].startswith("right: not in ")
    assert problems["right"].endswith("inputs")


def test_missing_partner_does_not_tell_where_the_folders_lie(fill, tmp_path):
    # It is written to skipped.json, which is handed on with the dataset.
    source = PairFolders(fill("1.jpg", "2.jpg"), fill("2.png", under="targets"), license="mine")
    (problem,) = _problems(source).values()
    assert str(tmp_path) not in problem


def test_two_files_of_one_name_are_a_problem(fill):
    inputs = fill("1.jpg", "1.png", "2.jpg", "3.jpg", under="inputs")
    targets = fill("1.png", "2.png", "2.webp", "3.png", under="targets")
    problems = _problems(PairFolders(inputs, targets, license="mine"))
    assert problems.keys() == {"1", "2"}
    assert problems["1"] == "1: several files of this name: 1.jpg and 1.png"
    assert problems["2"] == "2: several files of this name: 2.png and 2.webp"
    assert _problems(PairFolders(inputs, license="mine")).keys() == {"1"}


def test_split_of_what_has_a_problem_is_kept(fill):
    inputs = fill("train/1.jpg", "test/2.jpg", under="inputs")
    source = PairFolders(inputs, fill("train/1.jpg", under="targets"), license="mine")
    assert [photo.split for photo in source.photos()] == ["test", "train"]
    assert _problems(source).keys() == {"test/2"}
