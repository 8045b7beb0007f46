"""Public archives: downloaded by TensorFlow Datasets, read by ourselves.

TensorFlow Datasets' own `extract` and `iter_archive` need TensorFlow. Nothing is unpacked to disk
here: the members of an archive are read one after the other from the stream, so that no name in an
archive can lead anywhere.
"""

import dataclasses
import tarfile
from collections.abc import Container, Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from absl import logging

from cartoon_tfds.sources import Photo, SourceError

MAX_MEMBER_BYTES = 64 * 2**20
MAX_RATIO = 100  # photographs hardly compress; gzip reaches 1000 on a bomb
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclasses.dataclass(frozen=True)
class Archive:
    """A tar file, compressed or not, of photographs. Its size and SHA-256 are in checksums.tsv.

    Attributes:
      name: how photo_id begins.
      url: what is downloaded.
      license: of the photographs.
    """

    name: str
    url: str
    license: str


# The smallest of the well-known public archives whose photographs may all be used, changed and
# given away, by anyone, if their authors are named.
TF_FLOWERS = Archive(
    name="tf_flowers",
    url="http://download.tensorflow.org/example_images/flower_photos.tgz",
    license="CC BY 2.0 (authors by photograph in the archive's LICENSE.txt)",
)
PUBLIC = (TF_FLOWERS,)


class _DownloadManager(Protocol):
    def download(self, url_or_urls: dict[str, str]) -> dict[str, Path]: ...


def download(
    dl_manager: _DownloadManager, archives: tuple[Archive, ...], registered: Container[str]
) -> dict[Archive, Path]:
    """Returns where the downloaded archives lie; those that are there already are not fetched.

    Args:
      dl_manager: `tfds.download.DownloadManager`; it checks sizes and SHA-256 of registered URLs.
      archives: what to download.
      registered: the URLs whose checksums are known.

    Raises:
      SourceError: in one line, if a download fails or is not what the checksums say.
    """
    unknown = [archive.url for archive in archives if archive.url not in registered]
    if unknown:
        raise SourceError(f"no checksum in checksums.tsv: {', '.join(unknown)}")
    try:
        paths = dl_manager.download({archive.name: archive.url for archive in archives})
    except Exception as error:  # Network, server, disk and checksum errors share no base class.
        urls = ", ".join(archive.url for archive in archives)
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(
            f"cannot download {urls}: {reason}; the config `sample` needs no network"
        ) from None
    return {archive: Path(paths[archive.name]) for archive in archives}


def iter_archives(paths: dict[Archive, Path]) -> Iterator[Photo]:
    """Yields the photographs of all archives (see `iter_archive`)."""
    for archive, path in paths.items():
        yield from iter_archive(path, archive)


def iter_archive(
    path: Path,
    archive: Archive,
    *,
    max_member_bytes: int = MAX_MEMBER_BYTES,
    max_ratio: int = MAX_RATIO,
) -> Iterator[Photo]:
    """Yields the photographs of a tar file, in its order, one at a time in memory.

    Members with absolute paths or `..`, links and devices are left out with a warning.

    Args:
      path: the downloaded file.
      archive: what it is.
      max_member_bytes: an archive with a larger member is refused.
      max_ratio: an archive that unpacks to more than this many times its size is refused.

    Raises:
      SourceError: naming the archive, if it is damaged or over a limit.
    """
    total, max_total = 0, max_ratio * path.stat().st_size
    try:
        with tarfile.open(path, mode="r|*") as tar:
            for member in tar:
                total += member.size
                # By the header: a member that is left out would be unpacked all the same.
                if member.size > max_member_bytes or total > max_total:
                    raise SourceError(f"{archive.url}: too large when unpacked: {member.name!r}")
                if _is_photograph(member, archive):
                    data = tar.extractfile(member).read()
                    photo_id = f"{archive.name}/{PurePosixPath(member.name)}"
                    yield Photo(photo_id, data, f"{archive.url}: {member.name}", archive.license)
    except (tarfile.TarError, OSError) as error:
        raise SourceError(f"{archive.url}: damaged archive: {error}") from error


def _is_photograph(member: tarfile.TarInfo, archive: Archive) -> bool:
    """Returns whether to read a member; warns about those that no honest archive holds."""
    path = PurePosixPath(member.name)
    unsafe = path.is_absolute() or ".." in path.parts or "\\" in member.name
    if unsafe or not (member.isreg() or member.isdir()):
        logging.warning("%s: left out unsafe member %r", archive.url, member.name)
        return False
    return member.isreg() and path.suffix.lower() in PICTURE_SUFFIXES
