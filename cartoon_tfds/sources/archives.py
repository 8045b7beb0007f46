"""Archives of photographs: those that are public, and tar and zip files that a user has."""

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
      name: what the archive is called here; `photo_id` begins with it.
      url: what is downloaded.
      num_bytes: size of the file; another size is refused.
      sha256: of the file; another file is refused.
      filename: under which a user may have downloaded it by hand.
      license: of its photographs, as stated by those who published it.
      theme: what its photographs show; empty where `annotations` say so for each.
      members: a pattern as in `fnmatch` that the names of its photographs match.
      annotations: the name of the archive with its COCO annotations, if that is what chooses them.
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
      theme: what they show, in one word.
      name: how `photo_id` begins; by default with the member's name.
      source: what `Photo.source` calls the archive; by default the file's name alone.
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
