"""Reads files from tar and zip archives without unpacking them to disk.

TensorFlow Datasets has `extract` and `iter_archive`, but both need TensorFlow. The whole listing of
an archive is checked before the first file is read. If a path leads out of the archive's folder, or
a member is a link or a device, the archive was made to do harm, and no member is trusted.
"""

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from cartoon_tfds.errors import one_line
from cartoon_tfds.sources.base import SourceError

# zipfile inflates the other methods without a bound: a few bytes can become gigabytes in one step.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP_LOCAL_HEADER_BYTES = 30
_TAR_DECOMPRESSORS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))
_TAR_READ_BYTES = 2**20


class Limits(NamedTuple):
    """Limits of an archive; an archive over a limit is refused as a whole.

    Attributes:
      member_bytes: maximum size of a member that is read.
      members: maximum number of entries in the listing, folders included. COCO's largest archive
        has 118,287.
      ratio: maximum ratio of the unpacked size to the size of the file. Photographs hardly
        compress; bombs compress a thousandfold. An unpacked size up to 1 MiB is always accepted,
        because a tar file of one icon is mostly padding.
    """

    member_bytes: int = 64 * 2**20
    members: int = 200_000
    ratio: int = 100

    def total_bytes(self, path: Path) -> int:
        """Returns the maximum unpacked size of an archive, in bytes."""
        return max(2**20, self.ratio * path.stat().st_size)


LIMITS = Limits()


def iter_members(
    path: Path, wanted: Callable[[str], bool], limits: Limits = LIMITS
) -> Iterator[tuple[str, bytes]]:
    """Yields the name and content of each wanted file in a tar or zip file, in its order.

    Hidden files and the files that macOS adds to archives are left out.

    Args:
      path: path of a zip file, or of a tar file that may be compressed with gzip, bzip2 or xz. The
        content decides about the format.
      wanted: returns True for the name of a file to read.
      limits: maximum sizes and counts.

    Raises:
      SourceError: before the first file is yielded, if the archive is unsafe, too large, encrypted
        or in another format; later, if a wanted file is damaged or too large. The message is one
        line.
    """
    try:
        if not path.is_file():  # Opening a named pipe would wait forever.
            raise SourceError(f"{path}: no such file or folder")
        with path.open("rb") as stream:
            magic = stream.read(6)
        read = _read_zip if magic.startswith((b"PK\3\4", b"PK\5\6")) else _read_tar
        yield from read(path, lambda name: not _is_hidden(name) and wanted(name), limits)
    except SourceError:
        raise
    except Exception as error:  # Python's readers raise many kinds of errors.
        raise SourceError(f"{path}: damaged, or no tar or zip file: {one_line(error)}") from error


class _Entry(NamedTuple):
    """An entry of an archive's listing; `kind` is 'file', 'folder' or the danger, as 'a link'."""

    name: str
    num_bytes: int
    kind: str


def _vet(entries: Iterable[_Entry], path: Path, limits: Limits) -> None:
    """Raises a SourceError at the first entry that is unsafe, doubled or over a limit."""
    total, max_total, files = 0, limits.total_bytes(path), set()
    for number, (name, num_bytes, kind) in enumerate(entries, start=1):
        if kind in ("file", "folder") and _leads_out(name):
            kind = "a path out of the archive"
        if kind not in ("file", "folder"):
            raise SourceError(f"{path}: unsafe archive, refused: {name!r} is {kind}")
        total += num_bytes
        if number > limits.members or total > max_total:
            raise SourceError(f"{path}: too large when unpacked, refused at {name!r}")
        if kind == "file":
            if _normal(name) in files:  # One of the two would be lost silently.
                raise SourceError(f"{path}: refused: two files are called {name!r}")
            files.add(_normal(name))


def _leads_out(name: str) -> bool:
    """Returns True if a path is absolute, leads upwards or has another meaning on Windows."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or bool(re.search(r"\\|\0|^[A-Za-z]:", name))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _normal(name: str) -> str:
    """Returns a path without `./`, which `tar` writes before names."""
    return str(PurePosixPath(name))


def _refuse_large(path: Path, name: str, num_bytes: int, limits: Limits) -> None:
    if num_bytes > limits.member_bytes:
        raise SourceError(f"{path}: too large, refused: {name!r} has {num_bytes} bytes")


def _read_tar(
    path: Path, wanted: Callable[[str], bool], limits: Limits
) -> Iterator[tuple[str, bytes]]:
    # The headers of a tar file are between its members, so it is decompressed twice. This takes 3 s
    # per gigabyte of photographs; drawing their cartoons takes hours.
    with _open_tar(path) as stream:
        _vet_tar(_BoundedStream(stream, path, limits), path, limits)
    with _open_tar(path) as stream:
        for member in _as_tar(stream):
            if member.isreg() and wanted(_normal(member.name)):
                _refuse_large(path, member.name, member.size, limits)
                yield _normal(member.name), stream.read(member.size)


def _open_tar(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        magic = stream.read(6)
    for start, open_compressed in _TAR_DECOMPRESSORS:
        if magic.startswith(start):
            return open_compressed(path, "rb")
    return path.open("rb")


def _as_tar(stream: BinaryIO) -> tarfile.TarFile:
    return tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="replace")


def _vet_tar(stream: "_BoundedStream", path: Path, limits: Limits) -> None:
    """Reads a whole tar file once, to check its headers and the checksums of its content."""
    _vet((_tar_entry(member) for member in _as_tar(stream)), path, limits)
    # tarfile mistakes a damaged header or the end of a truncated file for the archive's end.
    if stream.last != bytes(tarfile.BLOCKSIZE):
        raise SourceError(f"{path}: damaged, or no tar or zip file: its end is missing")
    while stream.read(_TAR_READ_BYTES):
        pass


def _tar_entry(member: tarfile.TarInfo) -> _Entry:
    if member.isdir():
        kind = "folder"
    elif member.issym() or member.islnk():
        kind = "a link"
    elif member.isdev():
        kind = "a device or a pipe"
    elif member.isreg() and not member.issparse() and member.size >= 0:
        kind = "file"
    else:
        kind = "not a plain file"
    return _Entry(member.name, max(0, member.size), kind)


class _BoundedStream:
    """Limits the reads of tarfile, which trusts the sizes of long names and extended headers."""

    def __init__(self, stream: BinaryIO, path: Path, limits: Limits):
        self._stream, self._path, self._max_total = stream, path, limits.total_bytes(path)
        self.tell, self.seek = stream.tell, stream.seek
        self.last = b""  # the bytes of the last read

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _TAR_READ_BYTES:
            raise SourceError(f"{self._path}: too large, refused: a header of {size} bytes")
        if self.tell() > self._max_total:
            raise SourceError(f"{self._path}: too large when unpacked, refused")
        self.last = self._stream.read(size)
        return self.last


def _read_zip(
    path: Path, wanted: Callable[[str], bool], limits: Limits
) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _vet(map(_zip_entry, members), path, limits)
        _refuse_overlaps(members, archive.start_dir, path)
        for member in members:
            if not member.is_dir() and wanted(_normal(member.filename)):
                _refuse_large(path, member.filename, member.file_size, limits)
                with archive.open(member) as stream:
                    # read() without a size can inflate more bytes than the declared size.
                    data = stream.read(member.file_size + 1)
                if len(data) != member.file_size:
                    raise SourceError(f"{path}: damaged: {member.filename!r} is cut short")
                yield _normal(member.filename), data


def _zip_entry(member: zipfile.ZipInfo) -> _Entry:
    mode = stat.S_IFMT(member.external_attr >> 16)
    if mode == stat.S_IFLNK:
        kind = "a link"
    elif mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        kind = "a device or a pipe"
    elif member.flag_bits & 1:
        kind = "encrypted"
    elif member.compress_type not in _ZIP_METHODS:
        kind = "compressed with another method than deflate"
    else:
        kind = "folder" if member.is_dir() else "file"
    # The name before zipfile cuts it at a NUL or, on Windows, turns \ into /.
    return _Entry(member.orig_filename, member.file_size, kind)


def _refuse_overlaps(members: list[zipfile.ZipInfo], end: int, path: Path) -> None:
    """Raises a SourceError if members share bytes: bombs inflate the same bytes many times."""
    members = sorted(members, key=lambda member: member.header_offset)
    starts = [member.header_offset for member in members[1:]] + [end]
    for member, following in zip(members, starts, strict=True):
        start = member.header_offset + _ZIP_LOCAL_HEADER_BYTES
        if start + len(member.orig_filename) + member.compress_size > following:
            raise SourceError(f"{path}: unsafe archive, refused: {member.filename!r} overlaps")
