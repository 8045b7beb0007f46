"""Nothing is read from an unsafe archive."""

import gzip
import struct
import tarfile
import tracemalloc
import zipfile

import pytest

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


def _zip_member(name, mode):
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, mode << 16
    return member


def _patch(path, old, new):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
@pytest.mark.parametrize(
    "name", ["../up.jpg", "a/../../up.jpg", "/etc/absolute.jpg", "..\\up.jpg", "c:up.jpg", "a/.."]
)
def test_paths_that_lead_out_are_refused(tmp_path, suffix, name):
    members = [("good.jpg", b"good"), (name, b"bad"), ("../other.jpg", b"bad")]
    path = write_archive(tmp_path / f"x.{suffix}", members)
    assert repr(name) in assert_refused(
        path, r"unsafe archive, refused: .* is a path out of the archive$"
    )
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        (make_member("bad", tarfile.SYMTYPE, linkname="/etc/passwd"), "a link"),
        (make_member("bad", tarfile.LNKTYPE, linkname="good.jpg"), "a link"),
        (make_member("bad", tarfile.CHRTYPE, devmajor=1, devminor=5), "a device or a pipe"),
        (make_member("bad", tarfile.BLKTYPE, devmajor=8, devminor=1), "a device or a pipe"),
        (make_member("bad", tarfile.FIFOTYPE), "a device or a pipe"),
        (make_member("bad", tarfile.GNUTYPE_SPARSE), "not a plain file"),
        (make_member("bad", b"V"), "not a plain file"),
    ],
)
def test_tar_with_what_is_no_file_is_refused(tmp_path, member, kind):
    path = write_tar(tmp_path / "x", [("good.jpg", b"good"), (member, b"")])
    assert_refused(path, f"unsafe archive, refused: 'bad' is {kind}$")


@pytest.mark.parametrize(
    ("mode", "kind"),
    [(0o120777, "a link"), (0o020644, "a device or a pipe"), (0o010644, "a device or a pipe")],
)
def test_zip_with_what_is_no_file_is_refused(tmp_path, mode, kind):
    path = write_zip(
        tmp_path / "x", [("good.jpg", b"good"), (_zip_member("bad", mode), b"/etc/passwd")]
    )
    assert_refused(path, f"unsafe archive, refused: 'bad' is {kind}$")


def test_zip_name_with_a_nul_is_refused(tmp_path):
    path = _patch(write_zip(tmp_path / "x", [("goodXbad.jpg", b"")]), b"goodX", b"good\0")
    assert_refused(path, r"'good\\x00bad\.jpg' is a path out")


def test_encrypted_zip_is_refused(tmp_path):
    path = write_zip(tmp_path / "x", [("good.jpg", b"good"), ("bad.jpg", b"bad")])
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert_refused(path, r"'bad\.jpg' is encrypted$")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_method_that_inflates_without_bounds_is_refused(tmp_path, method):
    path = write_zip(tmp_path / "x", [("bad.jpg", b"bad")], method)
    assert_refused(path, r"'bad\.jpg' is compressed with another method than deflate$")


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
def test_limits(tmp_path, suffix):
    members = [("small.jpg", b"small"), ("large.jpg", _noise(2001))]
    path = write_archive(tmp_path / f"x.{suffix}", members)
    assert read_all(path, member_bytes=2001, members=2) == members
    assert_refused(path, "too large when unpacked, refused at 'large.jpg'", members=1)
    with pytest.raises(SourceError, match=r"too large, refused: 'large\.jpg' has 2001 bytes"):
        read_all(path, member_bytes=2000)
    assert len(read_all(path, lambda name: name == "small.jpg", member_bytes=2000)) == 1


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
def test_bomb_is_refused(tmp_path, suffix):
    path = write_archive(
        tmp_path / f"x.{suffix}", [(f"{number}.jpg", bytes(2**20)) for number in range(20)]
    )
    assert path.stat().st_size < 100_000
    assert_refused(path, r"too large when unpacked, refused at '\d+\.jpg'")


def test_long_tar_header_is_refused(tmp_path):
    path = write_tar(tmp_path / "x", [("n" * (2**20 + 1), b"")], format=tarfile.GNU_FORMAT)
    assert_refused(path, r"too large, refused: a header of \d+ bytes")


def test_many_tar_headers_are_refused(tmp_path):
    path = tmp_path / "x"
    header = make_member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=2**20).tobuf()
    path.write_bytes(gzip.compress((header + b"n" * 2**20) * 9))
    assert_refused(path, "too large when unpacked, refused")


def test_zeros_after_the_end_are_bounded(tmp_path):
    path = write_tar(tmp_path / "x", FILES.items(), "w")
    path.write_bytes(gzip.compress(path.read_bytes() + bytes(2**23)))
    assert_refused(path, "too large when unpacked, refused")


def test_tar_with_negative_size_is_refused(tmp_path):
    member = make_member("bad.jpg", tarfile.REGTYPE, size=-1024)
    data = tarfile.TarInfo("good.jpg").tobuf() + member.tobuf(tarfile.GNU_FORMAT) + bytes(4096)
    (tmp_path / "x").write_bytes(data)
    assert_refused(tmp_path / "x", "'bad.jpg' is not a plain file")


def test_negative_size_of_a_folder_counts_nothing(tmp_path):
    data = make_member("folder", tarfile.DIRTYPE, size=-(2**40)).tobuf(tarfile.GNU_FORMAT)
    data += make_member("bomb.jpg", tarfile.REGTYPE, size=2**22).tobuf() + bytes(2**22 + 1024)
    (tmp_path / "x").write_bytes(gzip.compress(data))
    assert_refused(tmp_path / "x", r"too large when unpacked, refused at 'bomb\.jpg'")


def _declare(path, size):
    """Changes the size that a zip file of one member declares, in both places."""
    data = bytearray(path.read_bytes())
    for offset in (data.index(b"PK\3\4") + 22, data.rindex(b"PK\1\2") + 24):
        data[offset : offset + 4] = struct.pack("<I", size)
    path.write_bytes(data)
    return path


def test_zip_that_declares_too_little_is_refused_before_it_is_inflated(tmp_path):
    path = _declare(write_zip(tmp_path / "x", [("bad.jpg", bytes(100 * 2**20))]), 10)
    tracemalloc.start()
    assert_refused(path, "damaged, or no tar or zip file: Bad CRC-32")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_zip_that_declares_too_much_is_refused(tmp_path):
    path = _declare(write_zip(tmp_path / "x", [("bad.jpg", b"bad")]), 1000)
    assert_refused(path, "damaged: 'bad.jpg' is cut short")


def test_zip_whose_members_overlap_is_refused(tmp_path):
    path = write_zip(tmp_path / "x", [("0.jpg", _noise(100)), ("1.jpg", _noise(99))])
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\1\2")
    data[second + 42 : second + 46] = bytes(4)  # where its header is: at that of the first
    path.write_bytes(data)
    assert_refused(path, r"unsafe archive, refused: '0\.jpg' overlaps")


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
@pytest.mark.filterwarnings("ignore:Duplicate name")  # of zipfile, when it writes
def test_two_files_of_one_name_are_refused(tmp_path, suffix):
    path = write_archive(tmp_path / f"x.{suffix}", [("a/x.jpg", b"1"), ("./a/x.jpg", b"2")])
    assert_refused(path, r"refused: two files are called '\./a/x\.jpg'")
