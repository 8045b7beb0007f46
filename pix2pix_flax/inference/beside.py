"""The files of results, beside their sources or in a folder; no two results share a file."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from cartoon_tfds.files import fitting, real_path
from cartoon_tfds.images import some

LABEL = "-cartoon"
"""Ends the name of a result that lies beside its source, before its suffix."""


def left_out(own: Iterable[Path]) -> str:
    """Returns a line that names sources that are left out, because results have such names."""
    names = some(path.name for path in own)
    return f"left out, called like results: {names} (--output=FOLDER translates them too)"


def beside(source: Path, writable: Collection[str], default: str) -> Path:
    """Returns `photo-cartoon.jpg` for `photo.jpg`; see `files_beside`."""
    return files_beside([source], writable, default)[0]


def files_beside(sources: Sequence[Path], writable: Collection[str], default: str) -> list[Path]:
    """Returns the file of each source's result, e.g. `photo-cartoon.jpg` for `photo.jpg`.

    Equal files become `photo.png-cartoon.png` and `photo.tif-cartoon.png`; see `_apart`.

    Args:
      sources: the source files, each once.
      writable: suffixes that a result may have, in small letters.
      default: suffix of the result if the suffix of the source is not writable.
    """

    def name(source: Path, stem: str) -> Path:
        suffix = source.suffix if source.suffix.lower() in writable else default
        return source.with_name(f"{stem}{LABEL}{suffix}")

    return _apart(sources, name)


def files_in(folder: Path, names: Sequence[Path], suffix: str) -> list[Path]:
    """Returns the file of each source's result in a folder, e.g. `out/photo.png`.

    Equal files become `out/photo.jpg.png` and `out/photo.tif.png`; see `_apart`.

    Args:
      folder: the folder for the results.
      names: the name of each source, or its path from the folder that was given as input.
      suffix: suffix of the results.
    """
    return _apart(names, lambda name, stem: folder / name.with_name(f"{stem}{suffix}"))


def is_folder(output: str) -> bool:
    """Returns whether an output is a folder: one that exists, or a path with a slash at its end."""
    # A Path would have lost the slash.
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _apart(sources: Sequence[Path], name: Callable[[Path, str], Path]) -> list[Path]:
    """Returns the file of each source's result; the files differ even without case.

    If two results would get the same file, they keep the suffixes of their sources, and get numbers
    if that is not enough.

    Args:
      sources: the source files, or their paths in a folder.
      name: from a source, and the stem of its result, to the file of the result.
    """
    short = [name(source, source.stem) for source in sources]
    counts = Counter(map(_key, short))
    files, taken = [], set()
    for source, plain in zip(sources, short, strict=True):
        file = fitting(plain if counts[_key(plain)] == 1 else name(source, source.name))
        number = 1
        while _key(file) in taken:
            number += 1
            file = fitting(name(source, f"{source.name}-{number}"))
        taken.add(_key(file))
        files.append(file)
    return files


def _key(path: Path) -> str:
    """Returns the same text for all paths of one file."""
    return str(real_path(path.parent) / path.name).casefold()
