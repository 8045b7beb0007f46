"""Archives that the tests write, read and see refused."""

import io
import random
import tarfile
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


def read_all(path, wanted=lambda name: True, **limits):
    return list(iter_members(path, wanted, Limits(**limits)))


def assert_refused(path, match, **limits):
    """Asserts that nothing at all is read from an archive, and returns the line that says why."""
    members = iter_members(path, lambda name: True, Limits(**limits))
    with pytest.raises(SourceError, match=match) as error:
        next(members)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    return str(error.value)


def write_tar(path, members, mode="w:gz", **options):
    """Writes a tar file of (name or TarInfo, bytes)."""
    with tarfile.open(path, mode, **options) as tar:
        for member, data in members:
            if isinstance(member, str):
                member = tarfile.TarInfo(member)
            if member.isreg():
                member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def write_zip(path, members, method=zipfile.ZIP_DEFLATED):
    """Writes a zip file of (name or ZipInfo, bytes)."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for member, data in members:
            archive.writestr(member, data)
    return path


def write_archive(path, members):
    return (write_zip if path.suffix == ".zip" else write_tar)(path, members)


def make_member(name, type, **fields):
    member = tarfile.TarInfo(name)
    member.type = type
    for field, value in fields.items():
        setattr(member, field, value)
    return member
