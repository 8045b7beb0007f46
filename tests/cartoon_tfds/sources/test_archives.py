"""Photographs of a tar or zip file that a user has."""

import io
import pickle
import zipfile

import pytest
from PIL import Image

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


def test_content_that_is_left_out_is_told(tmp_path):
    pages = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue", "green")]
    stream = io.BytesIO()
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:])
    members = [*MEMBERS, ("d/pages.tif", stream.getvalue()), ("e.jxl", b""), ("f.DNG", b"")]
    assert ArchiveFile(_zip(tmp_path / "x.zip", members), "CC0").left_out() == [
        "only the first page or frame is used; left out: d/pages.tif (2)",
        "1 JXL, 1 DNG files passed over: convert to JPEG or PNG",
    ]
    path = _zip(tmp_path / "y.zip", members[-1:])
    with pytest.raises(SourceError, match=r"no picture in it \(1 DNG file passed over: convert"):
        list(ArchiveFile(path, "CC0").photos())
