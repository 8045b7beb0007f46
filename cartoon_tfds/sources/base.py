"""Photographs, and the interface of their sources."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Protocol

from cartoon_tfds.errors import UserError
from cartoon_tfds.sources.splits import content_hash


class SourceError(UserError):
    """Photographs that cannot be had; the message is one line with the cause and the remedy."""


@dataclasses.dataclass(frozen=True)
class Photo:
    """One photograph, undecoded, or a ready-made pair of pictures.

    Attributes:
      photo_id: its name, unique within a source.
      data: the bytes of its file.
      source: where it comes from: package, version and file, URL and member, or file.
      license: its licence, as stated by the source.
      theme: its subject, in one word; empty if unknown.
      target: of a ready-made pair, the bytes of the other file.
      split: the split that its folder stands for, where it does; else its content decides.
      problem: why it cannot be used, where that is known before it is decoded.
      weight: factor of the number of views cut from it, for rare subjects.
      sha256: the hash of `data`, and of `target` where there is one; identity, split and views
        follow from it.
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
        """A hash of all that examples show of a photograph or depend on."""
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
    """Photographs that can be read as often as is wanted; plain data, so that it can be pickled."""

    def photos(self) -> Iterator[Photo]:
        """Yields the photographs, always in the same order, one at a time in memory.

        Raises:
          SourceError: if they cannot be read.
        """


class Origin(Protocol):
    """Where a dataset's photographs come from, before anything is downloaded."""

    def identity(self) -> str:
        """Returns a text that changes when the photographs do."""

    def fetch(self, dl_manager: Any) -> tuple[Source, ...]:
        """Returns the sources, after the download of missing files.

        Args:
          dl_manager: a `tfds.download.DownloadManager`.

        Raises:
          SourceError: if something cannot be had.
        """


@dataclasses.dataclass(frozen=True)
class Local:
    """An `Origin` of local photographs, which need no download.

    Attributes:
      source: of the photographs.
    """

    source: Source

    def identity(self) -> str:
        """Returns a hash of the contents, names and licences of the photographs."""
        keys = (f"{photo.key} {photo.split}\n" for photo in self.source.photos())
        return content_hash("".join(keys).encode())

    def fetch(self, dl_manager: Any) -> tuple[Source, ...]:
        """Returns the source."""
        del dl_manager
        return (self.source,)
