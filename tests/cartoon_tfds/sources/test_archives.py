"""Photographs of a tar or zip file that a user has."""

import pickle
import zipfile

import pytest

from cartoon_tfds.sources.archives import ArchiveFile
from cartoon_tfds.sources.base import SourceError

MEMBERS = [("b/2.jpg", b"two"), ("a.PNG", b"one"), ("Ünïcode 写真.jpeg", b"three"), ("c.txt", b"")]


def _zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_photographs_of_an_archive(tmp_path):
    path = _zip(tmp_path / "x.zip", MEMBERS)
    source = ArchiveFile(path, "CC0", theme="nature")
    source = pickle.loads(pickle.dumps(source))
    photos = list(source.photos())
    assert [(photo.photo_id, photo.data) for photo in photos] == MEMBERS[:3]
    assert {(photo.license, photo.theme) for photo in photos} == {("CC0", "nature")}
    assert photos[0].source == "x.zip: b/2.jpg"
    named = ArchiveFile(path, "CC0", name="n", source="http://s", members="b/*")
    assert [(photo.photo_id, photo.source) for photo in named.photos()] == [
        ("n/b/2.jpg", "http://s: b/2.jpg")
    ]


def test_archive_without_pictures(tmp_path):
    path = _zip(tmp_path / "x.zip", MEMBERS[3:])
    with pytest.raises(SourceError, match=r"x\.zip: no picture in it"):
        list(ArchiveFile(path, "CC0").photos())
