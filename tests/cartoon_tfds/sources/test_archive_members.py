"""Files in archives are read as they are, and nothing is read from an unsafe archive."""

import gzip
import io
import itertools
import os
import random
import struct
import tarfile
import tracemalloc
import zipfile

import pytest

from cartoon_tfds.sources.archive_members import Limits, iter_members
from cartoon_tfds.sources.base import SourceError


def _noise(num_bytes):
    """Returns bytes that hardly compress, like photographs."""
    return random.Random(num_bytes).randbytes(num_bytes)


FILES = {
    "b/2.jpg": b"two" * 999,
    "a.PNG": _noise(30_000),
    "Ünïcode 写真.jpg": b"",
    "c.txt": b"-",
}


def _read(path, wanted=lambda name: True, **limits):
    return list(iter_members(path, wanted, Limits(**limits)))


def _refused(path, match, **limits):
    """Asserts that nothing at all is read from an archive, and returns the line that says why."""
    members = iter_members(path, lambda name: True, Limits(**limits))
    with pytest.raises(SourceError, match=match) as error:
        next(members)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    return str(error.value)


def _tar(path, members, mode="w:gz", **options):
    """Writes a tar file of (name or TarInfo, bytes)."""
    with tarfile.open(path, mode, **options) as tar:
        for member, data in members:
            if isinstance(member, str):
                member = tarfile.TarInfo(member)
            if member.isreg():
                member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def _zip(path, members, method=zipfile.ZIP_DEFLATED):
    """Writes a zip file of (name or ZipInfo, bytes)."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for member, data in members:
            archive.writestr(member, data)
    return path


def _any(path, members):
    return (_zip if path.suffix == ".zip" else _tar)(path, members)


def _member(name, type, **fields):
    member = tarfile.TarInfo(name)
    member.type = type
    for field, value in fields.items():
        setattr(member, field, value)
    return member


def _zip_member(name, mode):
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, mode << 16
    return member


def _patch(path, old, new):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_tar(tmp_path, mode, format):
    path = _tar(tmp_path / "x", FILES.items(), mode, format=format)
    assert _read(path) == list(FILES.items())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip(tmp_path, method):
    path = _zip(tmp_path / "x", FILES.items(), method)
    assert _read(path) == list(FILES.items())


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
def test_hidden_files_and_folders_are_left_out(tmp_path, suffix):
    names = ["__MACOSX/._x.jpg", ".hidden.jpg", "a/.git/x.jpg", "./a/x.jpg", "._x.jpg"]
    members = [(name, name.encode()) for name in names]
    if suffix == "zip":
        members.append(("a/", b""))
    else:
        members = [(_member("./", tarfile.DIRTYPE), b""), *members]
    assert _read(_any(tmp_path / f"x.{suffix}", members)) == [("a/x.jpg", b"./a/x.jpg")]


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
@pytest.mark.parametrize(
    "name", ["../up.jpg", "a/../../up.jpg", "/etc/absolute.jpg", "..\\up.jpg", "c:up.jpg", "a/.."]
)
def test_paths_that_lead_out_are_refused(tmp_path, suffix, name):
    members = [("good.jpg", b"good"), (name, b"bad"), ("../other.jpg", b"bad")]
    path = _any(tmp_path / f"x.{suffix}", members)
    assert repr(name) in _refused(
        path, r"unsafe archive, refused: .* is a path out of the archive$"
    )
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        (_member("bad", tarfile.SYMTYPE, linkname="/etc/passwd"), "a link"),
        (_member("bad", tarfile.LNKTYPE, linkname="good.jpg"), "a link"),
        (_member("bad", tarfile.CHRTYPE, devmajor=1, devminor=5), "a device or a pipe"),
        (_member("bad", tarfile.BLKTYPE, devmajor=8, devminor=1), "a device or a pipe"),
        (_member("bad", tarfile.FIFOTYPE), "a device or a pipe"),
        (_member("bad", tarfile.GNUTYPE_SPARSE), "no plain file"),
        (_member("bad", b"V"), "no plain file"),
    ],
)
def test_tar_with_what_is_no_file_is_refused(tmp_path, member, kind):
    path = _tar(tmp_path / "x", [("good.jpg", b"good"), (member, b"")])
    _refused(path, f"unsafe archive, refused: 'bad' is {kind}$")


@pytest.mark.parametrize(
    ("mode", "kind"),
    [(0o120777, "a link"), (0o020644, "a device or a pipe"), (0o010644, "a device or a pipe")],
)
def test_zip_with_what_is_no_file_is_refused(tmp_path, mode, kind):
    path = _zip(tmp_path / "x", [("good.jpg", b"good"), (_zip_member("bad", mode), b"/etc/passwd")])
    _refused(path, f"unsafe archive, refused: 'bad' is {kind}$")


def test_zip_name_with_a_nul_is_refused(tmp_path):
    path = _patch(_zip(tmp_path / "x", [("goodXbad.jpg", b"")]), b"goodX", b"good\0")
    _refused(path, r"'good\\x00bad\.jpg' is a path out")


def test_encrypted_zip_is_refused(tmp_path):
    path = _zip(tmp_path / "x", [("good.jpg", b"good"), ("bad.jpg", b"bad")])
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    _refused(path, r"'bad\.jpg' is encrypted$")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_method_that_inflates_without_bounds_is_refused(tmp_path, method):
    path = _zip(tmp_path / "x", [("bad.jpg", b"bad")], method)
    _refused(path, r"'bad\.jpg' is compressed in another way than deflated$")


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
def test_limits(tmp_path, suffix):
    members = [("small.jpg", b"small"), ("large.jpg", _noise(2001))]
    path = _any(tmp_path / f"x.{suffix}", members)
    assert _read(path, member_bytes=2001, members=2) == members
    _refused(path, "too large when unpacked, refused at 'large.jpg'", members=1)
    with pytest.raises(SourceError, match=r"too large, refused: 'large\.jpg' has 2001 bytes"):
        _read(path, member_bytes=2000)
    assert len(_read(path, lambda name: name == "small.jpg", member_bytes=2000)) == 1


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
def test_bomb_is_refused(tmp_path, suffix):
    path = _any(tmp_path / f"x.{suffix}", [(f"{number}.jpg", bytes(2**20)) for number in range(20)])
    assert path.stat().st_size < 100_000
    _refused(path, r"too large when unpacked, refused at '\d+\.jpg'")


def test_long_tar_header_is_refused(tmp_path):
    path = _tar(tmp_path / "x", [("n" * (2**20 + 1), b"")], format=tarfile.GNU_FORMAT)
    _refused(path, r"too large, refused: a header of \d+ bytes")


def test_many_tar_headers_are_refused(tmp_path):
    path = tmp_path / "x"
    header = _member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=2**20).tobuf()
    path.write_bytes(gzip.compress((header + b"n" * 2**20) * 9))
    _refused(path, "too large when unpacked, refused")


def test_zeros_after_the_end_are_bounded(tmp_path):
    path = _tar(tmp_path / "x", FILES.items(), "w")
    path.write_bytes(gzip.compress(path.read_bytes() + bytes(2**23)))
    _refused(path, "too large when unpacked, refused")


def test_tar_with_negative_size_is_refused(tmp_path):
    member = _member("bad.jpg", tarfile.REGTYPE, size=-1024)
    data = tarfile.TarInfo("good.jpg").tobuf() + member.tobuf(tarfile.GNU_FORMAT) + bytes(4096)
    (tmp_path / "x").write_bytes(data)
    _refused(tmp_path / "x", "'bad.jpg' is no plain file")


def test_negative_size_of_a_folder_counts_nothing(tmp_path):
    data = _member("folder", tarfile.DIRTYPE, size=-(2**40)).tobuf(tarfile.GNU_FORMAT)
    data += _member("bomb.jpg", tarfile.REGTYPE, size=2**22).tobuf() + bytes(2**22 + 1024)
    (tmp_path / "x").write_bytes(gzip.compress(data))
    _refused(tmp_path / "x", r"too large when unpacked, refused at 'bomb\.jpg'")


def _declare(path, size):
    """Changes the size that a zip file of one member declares, in both places."""
    data = bytearray(path.read_bytes())
    for offset in (data.index(b"PK\3\4") + 22, data.rindex(b"PK\1\2") + 24):
        data[offset : offset + 4] = struct.pack("<I", size)
    path.write_bytes(data)
    return path


def test_zip_that_declares_too_little_is_refused_before_it_is_inflated(tmp_path):
    path = _declare(_zip(tmp_path / "x", [("bad.jpg", bytes(100 * 2**20))]), 10)
    tracemalloc.start()
    _refused(path, "damaged, or no archive: Bad CRC-32")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_zip_that_declares_too_much_is_refused(tmp_path):
    path = _declare(_zip(tmp_path / "x", [("bad.jpg", b"bad")]), 1000)
    _refused(path, "damaged: 'bad.jpg' is cut short")


def test_zip_whose_members_overlap_is_refused(tmp_path):
    path = _zip(tmp_path / "x", [("0.jpg", _noise(100)), ("1.jpg", _noise(99))])
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\1\2")
    data[second + 42 : second + 46] = bytes(4)  # where its header is: at that of the first
    path.write_bytes(data)
    _refused(path, r"unsafe archive, refused: '0\.jpg' overlaps")


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
@pytest.mark.filterwarnings("ignore:Duplicate name")  # of zipfile, when it writes
def test_two_files_of_one_name_are_refused(tmp_path, suffix):
    path = _any(tmp_path / f"x.{suffix}", [("a/x.jpg", b"1"), ("./a/x.jpg", b"2")])
    _refused(path, r"refused: two files are called '\./a/x\.jpg'")


def test_name_that_is_not_utf8(tmp_path):
    path = _tar(
        tmp_path / "x", [("Gr\xfcn.jpg", b"green")], format=tarfile.GNU_FORMAT, encoding="latin-1"
    )
    assert _read(path) == [("Gr\ufffdn.jpg", b"green")]


def _intact(folder, suffix):
    path = _any(folder / f"x.{suffix}", FILES.items())
    if suffix == "tar":
        path.write_bytes(gzip.decompress(path.read_bytes()))
    return path


@pytest.mark.parametrize("suffix", ["tgz", "tar", "zip"])
@pytest.mark.parametrize("part", [0.01, 0.2, 0.5, 0.7, 0.9])
def test_truncated_archive(tmp_path, suffix, part):
    path = _intact(tmp_path, suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    _refused(path, "damaged, or no archive: ")


def test_tar_cut_between_members(tmp_path):
    path = _tar(tmp_path / "x", [("0.jpg", bytes(512)), ("1.jpg", bytes(512))], "w")
    path.write_bytes(path.read_bytes()[:1024])
    _refused(path, "damaged, or no archive: it has no end")


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
@pytest.mark.parametrize("position", [2, 12, 9_000])
def test_archive_with_damaged_bytes(tmp_path, suffix, position):
    path = _intact(tmp_path, suffix)
    data = bytearray(path.read_bytes())
    data[position : position + 90] = bytes(90)
    path.write_bytes(data)
    with pytest.raises(SourceError, match="damaged, or no archive: "):
        _read(path)


def test_tar_with_a_damaged_header(tmp_path):
    path = _tar(tmp_path / "x", [("0.jpg", b""), ("1.jpg", b""), ("2.jpg", b"")], "w")
    _refused(_patch(path, b"1.jpg", b"7.jpg"), "damaged, or no archive: it has no end")


@pytest.mark.parametrize(
    "data",
    [b"<!DOCTYPE html>404" * 99, b"", gzip.compress(b"no tar" * 1000), b"PK\3\4", bytes(99)],
    ids=["web page", "empty", "gzip", "cut zip", "zeros"],
)
def test_no_archive(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    _refused(tmp_path / "x.zip", "damaged, or no archive: ")


def test_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing.zip"):
        _refused(path, "no such file")


def test_only_what_is_wanted_is_read_from_a_zip(tmp_path):
    path = _zip(tmp_path / "x", [("a.jpg", b"A" * 99), ("b.jpg", b"B")], zipfile.ZIP_STORED)
    _patch(path, b"A" * 99, b"X" * 99)
    assert _read(path, lambda name: name == "b.jpg") == [("b.jpg", b"B")]


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
def test_one_file_at_a_time_is_in_memory(tmp_path, suffix):
    path = _any(tmp_path / f"x.{suffix}", [(str(number), _noise(2**20)) for number in range(9)])
    tracemalloc.start()
    for _ in itertools.islice(iter_members(path, lambda name: True), 9):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 2**20
