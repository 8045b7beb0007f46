"""Files in archives are read unchanged, and damaged archives are refused."""

import gzip
import itertools
import os
import tarfile
import tracemalloc
import zipfile

import pytest

from cartoon_tfds.sources.archive_members import iter_members
from cartoon_tfds.sources.base import SourceError
from tests.cartoon_tfds.sources.archive_files import (
    FILES,
    _noise,
    assert_refused,
    make_member,
    read_all,
    write_archive,
    write_tar,
    write_zip,
)


def _patch(path, old, new):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_tar(tmp_path, mode, format):
    path = write_tar(tmp_path / "x", FILES.items(), mode, format=format)
    assert read_all(path) == list(FILES.items())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip(tmp_path, method):
    path = write_zip(tmp_path / "x", FILES.items(), method)
    assert read_all(path) == list(FILES.items())


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
def test_hidden_files_and_folders_are_left_out(tmp_path, suffix):
    names = ["__MACOSX/._x.jpg", ".hidden.jpg", "a/.git/x.jpg", "./a/x.jpg", "._x.jpg"]
    members = [(name, name.encode()) for name in names]
    if suffix == "zip":
        members.append(("a/", b""))
    else:
        members = [(make_member("./", tarfile.DIRTYPE), b""), *members]
    assert read_all(write_archive(tmp_path / f"x.{suffix}", members)) == [("a/x.jpg", b"./a/x.jpg")]


def test_name_that_is_not_utf8(tmp_path):
    path = write_tar(
        tmp_path / "x", [("Gr\xfcn.jpg", b"green")], format=tarfile.GNU_FORMAT, encoding="latin-1"
    )
    assert read_all(path) == [("Gr\ufffdn.jpg", b"green")]


def _intact(folder, suffix):
    path = write_archive(folder / f"x.{suffix}", FILES.items())
    if suffix == "tar":
        path.write_bytes(gzip.decompress(path.read_bytes()))
    return path


@pytest.mark.parametrize("suffix", ["tgz", "tar", "zip"])
@pytest.mark.parametrize("part", [0.01, 0.2, 0.5, 0.7, 0.9])
def test_truncated_archive(tmp_path, suffix, part):
    path = _intact(tmp_path, suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    assert_refused(path, "damaged, or no tar or zip file: ")


def test_tar_cut_between_members(tmp_path):
    path = write_tar(tmp_path / "x", [("0.jpg", bytes(512)), ("1.jpg", bytes(512))], "w")
    path.write_bytes(path.read_bytes()[:1024])
    assert_refused(path, "damaged, or no tar or zip file: its end is missing")


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
@pytest.mark.parametrize("position", [2, 12, 9_000])
def test_archive_with_damaged_bytes(tmp_path, suffix, position):
    path = _intact(tmp_path, suffix)
    data = bytearray(path.read_bytes())
    data[position : position + 90] = bytes(90)
    path.write_bytes(data)
    with pytest.raises(SourceError, match="damaged, or no tar or zip file: "):
        read_all(path)


def test_tar_with_a_damaged_header(tmp_path):
    path = write_tar(tmp_path / "x", [("0.jpg", b""), ("1.jpg", b""), ("2.jpg", b"")], "w")
    assert_refused(
        _patch(path, b"1.jpg", b"7.jpg"), "damaged, or no tar or zip file: its end is missing"
    )


@pytest.mark.parametrize(
    "data",
    [b"<!DOCTYPE html>404" * 99, b"", gzip.compress(b"no tar" * 1000), b"PK\3\4", bytes(99)],
    ids=["web page", "empty", "gzip", "cut zip", "zeros"],
)
def test_no_archive(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    assert_refused(tmp_path / "x.zip", "damaged, or no tar or zip file: ")


def test_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing.zip"):
        assert_refused(path, "no such file")


def test_only_what_is_wanted_is_read_from_a_zip(tmp_path):
    path = write_zip(tmp_path / "x", [("a.jpg", b"A" * 99), ("b.jpg", b"B")], zipfile.ZIP_STORED)
    _patch(path, b"A" * 99, b"X" * 99)
    assert read_all(path, lambda name: name == "b.jpg") == [("b.jpg", b"B")]


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
def test_one_file_at_a_time_is_in_memory(tmp_path, suffix):
    path = write_archive(
        tmp_path / f"x.{suffix}", [(str(number), _noise(2**20)) for number in range(9)]
    )
    tracemalloc.start()
    for _ in itertools.islice(iter_members(path, lambda name: True), 9):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 2**20
