"""Photographs, and the interface of their sources."""

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any, Protocol

from absl import app

from cartoon_tfds.errors import UserError
from cartoon_tfds.sources.splits import content_hash


class SourceError(app.UsageError, UserError):
    """Photographs are missing or unusable; the message gives the cause and the remedy.

    `tfds build` runs in `absl.app`, which prints a `UsageError` without a traceback.
    """


@dataclasses.dataclass(frozen=True)
class Photo:
    """One photograph as the bytes of its file, or a ready-made pair of pictures.

    Attributes:
      photo_id: name, unique within a source.
      data: bytes of the file.
      source: origin: package, version and file; URL and archive member; or file name.
      license: licence, as stated by the source.
      theme: subject, in one word; empty if unknown.
      target: bytes of the target's file, for a ready-made pair of two files; else None.
      split: split given by the folder's name; if None, `split_of` gives it.
      problem: reason why it cannot be used, if known before decoding; else empty.
      weight: factor for the number of views; rare subjects get more views.
      sha256: hash of `data`, combined with the hash of `target` if there is one. It determines the
        identity, the split and the views of the photograph.
    """

    photo_id: str
    data: bytes = dataclasses.field(repr=False)
    source: str
    license: str
    theme: str = ""
    target: bytes | None = dataclasses.field(default=None, repr=False)
    split: str | None = None
    problem: str = ""
    weight: int = 1
    sha256: str = dataclasses.field(init=False)

    def __post_init__(self):
        sha256 = content_hash(self.data)
        if self.target is not None:
            sha256 = content_hash(f"{sha256} {content_hash(self.target)}".encode())
        object.__setattr__(self, "sha256", sha256)

    @property
    def key(self) -> str:
        """Hash of all attributes that the examples contain or depend on."""
        shown = (
            self.sha256,
            self.photo_id,
            self.source,
            self.license,
            self.theme,
            str(self.weight),
        )
        return content_hash("\0".join(shown).encode())


class Source(Protocol):
    """Photographs that can be read any number of times; sources are plain, picklable data."""

    def photos(self) -> Iterator[Photo]:
        """Yields the photographs, always in the same order, one at a time in memory.

        Raises:
          SourceError: if they cannot be read.
        """


class Origin(Protocol):
    """The origin of a dataset's photographs, which may still have to be downloaded."""

    def identity(self) -> str:
        """Returns a text that changes if the photographs change."""

    def fetch(self, dl_manager: Any) -> tuple[Source, ...]:
        """Downloads missing files, and returns the sources.

        Args:
          dl_manager: a `tfds.download.DownloadManager`.

        Raises:
          SourceError: if a file is missing and cannot be downloaded.
        """


@dataclasses.dataclass(frozen=True)
class Local:
    """An `Origin` of local photographs, which need no download.

    Attributes:
      source: the only source of the photographs.
    """

    source: Source

    def identity(self) -> str:
        """Returns a hash of the contents, names and licences of the photographs."""
        digest = hashlib.sha256()
        for photo in self.source.photos():
            digest.update(f"{photo.key} {photo.split}\n".encode())
        return digest.hexdigest()

    def fetch(self, dl_manager: Any) -> tuple[Source, ...]:
        """Returns a tuple with the one source."""
        del dl_manager
        return (self.source,)
