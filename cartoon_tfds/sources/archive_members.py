"""Files in tar and zip archives, read by ourselves and never unpacked to disk.

TensorFlow Datasets' own `extract` and `iter_archive` need TensorFlow. An archive is judged as a
whole, by its listing, before the first file is read from it: one that holds a path out of its
folder, a link or a device was made to do harm, and none of its other members can be trusted.
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

# Others inflate without bounds in zipfile: few of their bytes make gigabytes in one step.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP_LOCAL_HEADER_BYTES = 30
_TAR_DECOMPRESSORS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))
_TAR_READ_BYTES = 2**20


class Limits(NamedTuple):
    """Limits of an archive; an archive over a limit is refused as a whole.

    Attributes:
      member_bytes: of a member that is read.
      members: entries in the listing, folders included. COCO's largest archive has 118,287.
      ratio: unpacked size by the size of the file. Photographs hardly compress, bombs a thousand
        times. Up to 1 MiB goes unquestioned: a tar file of one icon is mostly padding.
    """

    member_bytes: int = 64 * 2**20
    members: int = 200_000
    ratio: int = 100

    def total_bytes(self, path: Path) -> int:
        """Returns how many bytes a file may unpack to."""
        return max(2**20, self.ratio * path.stat().st_size)


LIMITS = Limits()


def iter_members(
    path: Path, wanted: Callable[[str], bool], limits: Limits = LIMITS
) -> Iterator[tuple[str, bytes]]:
    """Yields the names and contents of files in a tar or zip file, in its order.

    Hidden files and the files that macOS adds to archives are left out.

    Args:
      path: tar, as it is or compressed with gzip, bzip2 or xz; or zip. The content decides which.
      wanted: says by its name whether to read a file.
      limits: limits of sizes and counts.

    Raises:
      SourceError: in one line, before anything is yielded, if the archive is unsafe, too large,
        encrypted or no archive; or when damage is met.
    """
    try:
        if not path.is_file():  # Opening a named pipe would wait for ever.
            raise SourceError(f"{path}: no such file")
        with path.open("rb") as stream:
            magic = stream.read(6)
        read = _read_zip if magic.startswith((b"PK\3\4", b"PK\5\6")) else _read_tar
        yield from read(path, lambda name: not _is_hidden(name) and wanted(name), limits)
    except SourceError:
        raise
    except Exception as error:  # Damaged archives make Python's readers raise almost anything.
        raise SourceError(f"{path}: damaged, or no archive: {one_line(error)}") from error


class _Entry(NamedTuple):
    """A line of an archive's listing; `kind` is 'file', 'folder', or why it is unsafe."""

    name: str
    num_bytes: int
    kind: str


def _vet(entries: Iterable[_Entry], path: Path, limits: Limits) -> None:
    """Raises a SourceError at the first entry that no honest archive of photographs holds."""
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
            if _normal(name) in files:  # One of the two would vanish without a word.
                raise SourceError(f"{path}: refused: two files are called {name!r}")
            files.add(_normal(name))


def _leads_out(name: str) -> bool:
    """Returns whether a path is absolute, leads upwards or means something else on Windows."""
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
    # The listing of a tar file is spread over it, so it is decompressed twice; that is 3 s for each
    # gigabyte of photographs, whose cartoons take hours.
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
    """Reads a whole tar file once: its listing, and for the checksums its content."""
    _vet((_tar_entry(member) for member in _as_tar(stream)), path, limits)
    # tarfile takes a damaged header, and the end of a file cut short, for the end of the archive.
    if stream.last != bytes(tarfile.BLOCKSIZE):
        raise SourceError(f"{path}: damaged, or no archive: it has no end")
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
        kind = "no plain file"
    return _Entry(member.name, max(0, member.size), kind)


class _BoundedStream:
    """A stream for tarfile, which trusts the sizes of long names and other extended headers."""

    def __init__(self, stream: BinaryIO, path: Path, limits: Limits):
        self._stream, self._path, self._max_total = stream, path, limits.total_bytes(path)
        self.tell, self.seek = stream.tell, stream.seek
        self.last = b""  # the bytes that were read last

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
                    # A plain read() inflates all there is, whatever size was declared.
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
        kind = "compressed in another way than deflated"
    else:
        kind = "folder" if member.is_dir() else "file"
    # As it is written there: zipfile cuts names at a NUL, and turns \ into / on Windows.
    return _Entry(member.orig_filename, member.file_size, kind)


def _refuse_overlaps(members: list[zipfile.ZipInfo], end: int, path: Path) -> None:
    """Raises a SourceError if members share bytes, as in bombs, which inflate them many times."""
    members = sorted(members, key=lambda member: member.header_offset)
    starts = [member.header_offset for member in members[1:]] + [end]
    for member, following in zip(members, starts, strict=True):
        start = member.header_offset + _ZIP_LOCAL_HEADER_BYTES
        if start + len(member.orig_filename) + member.compress_size > following:
            raise SourceError(f"{path}: unsafe archive, refused: {member.filename!r} overlaps")
