"""Packaged photographs are found without importing their packages, and are the recorded ones."""

import dataclasses
import subprocess
import sys

import pytest

from cartoon_tfds.images import read_image
from cartoon_tfds.provenance import SPLITS, content_hash
from cartoon_tfds.sources import PACKAGED, Photo, SourceError, iter_packaged, select_split


def _photo(name, data):
    return Photo(name, data, source="test", license="none")


def test_all_packaged_photographs_are_there_and_decode():
    photos = list(iter_packaged())
    assert [photo.photo_id for photo in photos] == [item.photo_id for item in PACKAGED]
    assert len({photo.sha256 for photo in photos}) == len(photos) == 8
    for photo in photos:
        assert min(read_image(photo.data).shape[:2]) >= 300
        assert photo.license
        assert photo.source.split()[0] in {"scikit-image", "scikit-learn", "matplotlib"}


def test_the_packages_are_not_imported():
    script = (
        "import sys\nfrom cartoon_tfds.sources import iter_packaged\nlist(iter_packaged())\n"
        "print([m for m in ('skimage', 'sklearn', 'matplotlib', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_missing_packages_are_all_named_with_the_remedy():
    table = (
        *PACKAGED,
        dataclasses.replace(PACKAGED[0], module="no_such_module_b", distribution="package-b"),
        dataclasses.replace(PACKAGED[0], module="no_such_module_a", distribution="package-a"),
    )
    with pytest.raises(SourceError, match=r"package-a, package-b; .*pip install '\.\[sample\]'"):
        next(iter_packaged(table))


def test_changed_file_is_refused():
    table = (dataclasses.replace(PACKAGED[0], sha256="0" * 64),)
    with pytest.raises(SourceError, match=r"astronaut\.png: not the photograph.*expected 0000"):
        list(iter_packaged(table))


def test_missing_file_is_named():
    table = (dataclasses.replace(PACKAGED[0], file="data/nowhere.png"),)
    with pytest.raises(SourceError, match=r"scikit-image .*data/nowhere\.png: No such file"):
        list(iter_packaged(table))


def test_photo_is_known_by_its_content():
    assert _photo("a", b"1").sha256 == content_hash(b"1")
    assert "x" * 100 not in repr(_photo("a", b"x" * 100))


def test_splits_are_disjoint_complete_and_stable():
    few = [_photo(f"p{number}", str(number).encode()) for number in range(100)]
    more = [_photo(f"q{number}", str(1000 + number).encode()) for number in range(100)]
    splits = [set(select_split(few, split)) for split in SPLITS]
    assert all(splits)
    assert sum(map(len, splits)) == len(set.union(*splits)) == len(few)
    for split, before in zip(SPLITS, splits, strict=True):
        after = set(select_split(more + few, split))
        assert after & set(few) == before


def test_same_content_is_taken_once():
    photos = [_photo("a", b"1"), _photo("b", b"1")]
    names = [photo.photo_id for split in SPLITS for photo in select_split(photos, split)]
    assert names == ["a"]
