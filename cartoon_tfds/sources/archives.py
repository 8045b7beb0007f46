"""Archives of photographs: public archives, and tar and zip files of a user."""

import dataclasses
import fnmatch
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from cartoon_tfds.images import PICTURE_SUFFIXES, further_pages, pages_of, passed_over
from cartoon_tfds.sources.archive_members import iter_members
from cartoon_tfds.sources.base import Photo, SourceError


@dataclasses.dataclass(frozen=True)
class Archive:
    """A public archive, and the pattern of the members to use.

    Attributes:
      name: name of the archive here; `photo_id` begins with it.
      url: address of the download.
      num_bytes: size of the file; another size is refused.
      sha256: SHA-256 of the file; a file with another hash is refused.
      filename: name under which a user may have downloaded the file by hand.
      license: licence of its photographs, as stated by its publishers.
      theme: subject of its photographs; empty if `annotations` give it for each photograph.
      members: `fnmatch` pattern for the names of its photographs.
      annotations: name of the archive with COCO annotations that choose the photographs, or empty.
    """

    name: str
    url: str
    num_bytes: int
    sha256: str
    filename: str
    license: str
    theme: str = ""
    members: str = "*"
    annotations: str = ""


@dataclasses.dataclass(frozen=True)
class ArchiveFile:
    """The photographs in a tar or zip file, as a `Source`.

    Attributes:
      path: path of the file.
      license: licence of all its photographs.
      theme: subject of its photographs, in one word.
      name: prefix of `photo_id`; if empty, `photo_id` is the member's name.
      source: name of the archive in `Photo.source`; if empty, the file's name without its folder.
      members: `fnmatch` pattern for the names of the photographs.
    """

    path: Path
    license: str
    theme: str = ""
    name: str = ""
    source: str = ""
    members: str = "*"

    def photos(self) -> Iterator[Photo]:
        """Yields the photographs in the archive's order, one at a time in memory.

        Raises:
          SourceError: if the file cannot be read or holds no photographs; the message names it.
        """
        source, none = self.source or self.path.name, True
        for member, data in iter_members(self.path, self._wanted):
            photo_id = f"{self.name}/{member}" if self.name else member
            yield Photo(photo_id, data, f"{source}: {member}", self.license, self.theme)
            none = False
        if none:
            others = self._passed_over()
            raise SourceError(f"{self.path}: no picture in it" + (f" ({others})" if others else ""))

    def left_out(self) -> list[str]:
        """Returns a line for each kind of content in the archive that is in no photograph."""
        pages = ((photo.photo_id, pages_of(photo.data)) for photo in self.photos())
        return list(filter(None, (further_pages(pages), self._passed_over())))

    def _passed_over(self) -> str | None:
        members = []
        for _ in iter_members(self.path, lambda member: members.append(Path(member))):
            pass  # append returns None, so that no member is read
        return passed_over(members)

    def _wanted(self, member: str) -> bool:
        picture = PurePosixPath(member).suffix.lower() in PICTURE_SUFFIXES
        return picture and fnmatch.fnmatchcase(member, self.members)
