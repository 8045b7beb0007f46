"""Photographs of a tar or zip file that a user has."""

import pickle
import zipfile
from pathlib import Path

import pytest

from cartoon_tfds.archives import ArchiveFile
from cartoon_tfds.sources import SourceError

MEMBERS = [("b/2.jpg", b"two"), ("a.PNG", b"one"), ("Ünïcode 写真.jpeg", b"three"), ("c.txt", b"")]


def _zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_photographs_of_an_archive(tmp_path):
    path = _zip(tmp_path / "x.zip", MEMBERS)
    source = ArchiveFile(path, "CC0", theme="nature")
    (source,) = pickle.loads(pickle.dumps(source)).fetch(None)
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


def test_identity_of_an_archive(tmp_path):
    first = ArchiveFile(_zip(tmp_path / "x.zip", [("a.jpg", b"1")]), "CC0")
    (tmp_path / "elsewhere").mkdir()
    moved = ArchiveFile(Path(tmp_path, "elsewhere", "x.zip"), "CC0")
    moved.path.write_bytes(first.path.read_bytes())
    assert first.identity() == moved.identity()
    assert first.identity() != ArchiveFile(first.path, "CC BY 4.0").identity()
    _zip(moved.path, [("a.jpg", b"2")])
    assert first.identity() != moved.identity()
    with pytest.raises(SourceError, match=r"none\.zip: No such file"):
        ArchiveFile(tmp_path / "none.zip", "CC0").identity()
