"""Archives of photographs: public archives, and tar and zip files of a user."""

import dataclasses
import fnmatch
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from cartoon_tfds.images import PICTURE_SUFFIXES
from cartoon_tfds.sources.archive_members import iter_members
from cartoon_tfds.sources.base import Photo, SourceError


@dataclasses.dataclass(frozen=True)
class Archive:
    """A public archive, and which of its members are taken.

    Attributes:
      name: name of the archive here; `photo_id` begins with it.
      url: address of the download.
      num_bytes: size of the file; another size is refused.
      sha256: of the file; another file is refused.
      filename: under which a user may have downloaded it by hand.
      license: licence of its photographs, as stated by its publishers.
      theme: subject of its photographs; empty if `annotations` give it for each photograph.
      members: a pattern as in `fnmatch` that the names of its photographs match.
      annotations: name of the archive with COCO annotations that choose the photographs, or None.
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
      path: of the file.
      license: of all its photographs.
      theme: their subject, in one word.
      name: how `photo_id` begins; by default with the member's name.
      source: name of the archive in `Photo.source`; by default the file's name alone.
      members: a pattern as in `fnmatch` that the names of the photographs match.
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
          SourceError: naming the file, if it cannot be read or holds no photographs.
        """
        source, none = self.source or self.path.name, True
        for member, data in iter_members(self.path, self._wanted):
            photo_id = f"{self.name}/{member}" if self.name else member
            yield Photo(photo_id, data, f"{source}: {member}", self.license, self.theme)
            none = False
        if none:
            raise SourceError(f"{self.path}: no picture in it")

    def _wanted(self, member: str) -> bool:
        picture = PurePosixPath(member).suffix.lower() in PICTURE_SUFFIXES
        return picture and fnmatch.fnmatchcase(member, self.members)
