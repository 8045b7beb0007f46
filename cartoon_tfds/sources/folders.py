"""Photographs, pictures and ready-made pairs from folders on disk."""

import dataclasses
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cartoon_tfds.images import (
    PICTURE_SUFFIXES,
    further_pages,
    list_files,
    pages_of,
    passed_over,
)
from cartoon_tfds.sources.base import Photo, SourceError

# The split for each folder name that datasets use for their splits.
_SPLIT_FOLDERS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclasses.dataclass(frozen=True)
class PictureFolder:
    """All pictures in a folder and its subfolders.

    If all pictures are in subfolders named train, val, valid, validation or test, these give the
    splits. This keeps related pictures in one split, for example the pages of an episode.

    Attributes:
      folder: path of the folder. Its subfolders, or the subfolders of the splits, name the themes.
      license: licence of all pictures.
    """

    folder: Path
    license: str

    def photos(self) -> Iterator[Photo]:
        """Yields the pictures, sorted by name.

        Raises:
          SourceError: if the folder does not exist or holds no picture.
        """
        paths = _list_pictures(self.folder)
        names = [path.relative_to(self.folder) for path in paths]
        splits = _own_splits([name.as_posix() for name in names])
        for path, name, split in zip(paths, names, splits, strict=True):
            folders = name.parts[bool(split) : -1]
            yield _read(
                path,
                photo_id=printable(name.as_posix()),
                license=self.license,
                theme=printable(folders[0] if folders else ""),
                split=split,
            )

    def left_out(self) -> list[str]:
        """Returns a line for each kind of content in the folder that is in no photograph."""
        return _left_out(self.folder)


@dataclasses.dataclass(frozen=True)
class PairFolders:
    """Ready-made pairs, in two folders or side by side in one picture.

    If all pictures are in subfolders named train, val, valid, validation or test, these give the
    splits.

    Attributes:
      inputs: folder of the inputs, or of pictures with input and target side by side.
      targets: folder of the targets, named like their inputs with any suffix; None for pictures
        side by side.
      license: licence of all pictures.
    """

    inputs: Path
    targets: Path | None = None
    _: dataclasses.KW_ONLY
    license: str

    def photos(self) -> Iterator[Photo]:
        """Yields the pairs, sorted by name; `problem` reports a file without a partner.

        Raises:
          SourceError: if a folder does not exist or holds no picture.
        """
        inputs = _by_stem(self.inputs)
        targets = _by_stem(self.targets) if self.targets else None
        names = sorted(inputs.keys() | (targets or {}).keys())
        for name, split in zip(names, _own_splits(names), strict=True):
            files = [inputs.get(name, [])]
            if targets is not None:
                files.append(targets.get(name, []))
            yield self._pair(files, photo_id=printable(name), license=self.license, split=split)

    def left_out(self) -> list[str]:
        """Returns a line for each kind of content in the folders that is in no pair."""
        folders = filter(None, (self.inputs, self.targets))
        return [line for folder in folders for line in _left_out(folder)]

    def _pair(self, files: list[list[Path]], **fields: Any) -> Photo:
        """Returns the pair of a name; `problem` reports missing, doubled and unreadable files."""
        name = fields["photo_id"]
        for found, folder in zip(files, (self.inputs, self.targets), strict=False):
            if len(found) != 1:
                several = " and ".join(printable(file.name) for file in found)
                problem = f"{name}: several files of this name: {several}"
                if not found:
                    problem = f"{name}: not in {printable(folder.name)}"
                return Photo(data=b"", source=name, problem=problem, **fields)
        photo, *other = (_read(found[0], **fields) for found in files)
        if not other:
            return photo
        problem = photo.problem or other[0].problem
        return dataclasses.replace(photo, target=other[0].data, problem=problem)


def _own_splits(names: list[str]) -> list[str | None]:
    """Returns the split of each file from its folder; None for all if a folder is no split."""
    folders = [name.partition("/")[0] if "/" in name else "" for name in names]
    if not set(folders) <= _SPLIT_FOLDERS.keys():
        return [None] * len(names)
    return [_SPLIT_FOLDERS[folder] for folder in folders]


def _read(path: Path, **fields: Any) -> Photo:
    """Reads a file as a `Photo`; `problem` gives the reason if this fails."""
    data, problem = b"", ""
    try:
        data = path.read_bytes()
    except OSError as error:
        problem = f"{fields['photo_id']}: {error.strerror}"
    # Only the file's name, because the paths of a user's folders are private.
    return Photo(data=data, source=printable(path.name), problem=problem, **fields)


def _list_pictures(folder: Path) -> list[Path]:
    """Returns the pictures in a folder and its subfolders by name, without hidden files."""
    files = _list_files(folder)
    pictures = _pictures(files)
    if not pictures:
        others = passed_over(files) or " ".join(sorted(PICTURE_SUFFIXES))
        raise SourceError(f"{folder}: no picture in it ({others})")
    return pictures


def _list_files(folder: Path) -> list[Path]:
    """Returns all files in a folder and its subfolders; raises an error if one is unreadable."""
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder")
    listing = list_files(folder)
    if listing.unreadable:
        raise listing.unreadable[0]
    return listing.files


def _pictures(files: list[Path]) -> list[Path]:
    """Returns the pictures among files, by name."""
    pictures = [
        path
        for path in files
        if path.suffix.lower() in PICTURE_SUFFIXES
        and (path.is_file() or path.is_symlink())  # broken links are reported
    ]
    return sorted(pictures, key=Path.as_posix)


def _left_out(folder: Path) -> list[str]:
    files = _list_files(folder)
    pages = ((printable(path.name), pages_of(path)) for path in _pictures(files))
    return list(filter(None, (further_pages(pages), passed_over(files))))


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    """Returns the pictures in a folder by their names without suffix."""
    found: dict[str, list[Path]] = {}
    for path in _list_pictures(folder):
        name = path.relative_to(folder).with_suffix("").as_posix()
        # Some systems store an accent as a separate character.
        found.setdefault(unicodedata.normalize("NFC", name), []).append(path)
    return found


def printable(name: str) -> str:
    """Returns a file's name with invalid bytes and unprintable characters escaped."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
