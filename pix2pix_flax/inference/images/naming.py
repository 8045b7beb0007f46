"""Finds image files, and names the file of each result."""

import dataclasses
import glob
import os
from collections.abc import Iterable
from pathlib import Path

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import expand_home, real_path
from cartoon_tfds.images import (
    PICTURE_SUFFIXES,
    UNREAD_SUFFIXES,
    WRITABLE_SUFFIXES,
    list_files,
    passed_over,
    some,
)
from pix2pix_flax.inference.beside import LABEL, files_beside, files_in, is_folder

_CLIP_NAMES = "3gp avi flv m4v mkv mov mp4 mpeg mpg mts ts webm wmv"
CLIP_SUFFIXES = frozenset(f".{name}" for name in _CLIP_NAMES.split())
"""Files with these suffixes, in small letters, are taken for clips."""
_NO_RESULTS = (CLIP_SUFFIXES | PICTURE_SUFFIXES | UNREAD_SUFFIXES) - WRITABLE_SUFFIXES


class InputError(UserError):
    """No input image was found, or the output cannot be used; the message is one line."""


@dataclasses.dataclass(frozen=True)
class Names:
    """The files of a translation.

    Attributes:
      results: (source file, file of the result) of each image once.
      own: sources that are left out, because they are called like results, although they are none
        of `results`.
      passed_over: files in the folders that are no images, or of formats that cannot be read.
      unreadable: (folder, reason) of each folder that cannot be listed.
    """

    results: list[tuple[Path, Path]] = dataclasses.field(default_factory=list)
    own: list[Path] = dataclasses.field(default_factory=list)
    passed_over: list[Path] = dataclasses.field(default_factory=list)
    unreadable: list[tuple[Path, str]] = dataclasses.field(default_factory=list)


def name_results(
    inputs: Iterable[str | Path], output: str | Path | None, suffix: str | None
) -> Names:
    """Finds the images, and names the file of each result.

    Args:
      inputs: files, folders and patterns, e.g. `photos/**/*.jpg`; `~` is the home.
      output: a folder; or a file for the result of a single image, if it ends in one of
        `WRITABLE_SUFFIXES` and is no folder; None: beside each source, as `photo-cartoon.jpg`. For
        a single image, a new folder whose name has an ending needs a `/` at its end.
      suffix: suffix of the results, one of `WRITABLE_SUFFIXES`; None: `.png` in a folder, and
        the suffix of the source beside it, if it can be written.

    Raises:
      InputError: no image was found, the output is one file for several images, or its ending is
        none of a picture that can be written.
    """
    names = Names()
    text = output and expand_home(str(output))
    output = text and Path(text)
    into_folder = not output or is_folder(text)
    if not into_folder and output.suffix.lower() in _NO_RESULTS:
        kinds = ", ".join(sorted(WRITABLE_SUFFIXES))
        raise InputError(
            f"{output}: a picture cannot be written in this format: name a {kinds} file"
        )
    inputs = list(inputs)
    found = _find(inputs, output, names)
    is_unclear = not into_folder and output.suffix.lower() not in WRITABLE_SUFFIXES | {""}
    if is_unclear and _is_file(inputs):
        kinds = ", ".join(sorted(WRITABLE_SUFFIXES))
        raise InputError(f"{output}: name a {kinds} file, or {output}{os.sep} for a folder")
    sources = [source for source, _ in found]
    if output is None:
        own = [source for source in sources if source.stem.endswith(LABEL)]
        sources = [source for source in sources if not source.stem.endswith(LABEL)]
        writable = () if suffix else WRITABLE_SUFFIXES
        results = files_beside(sources, writable, suffix or ".png")
        taken = set(results)
        names.own.extend(source for source in own if source not in taken)
    elif into_folder or output.suffix.lower() not in WRITABLE_SUFFIXES:
        results = files_in(output, [path for _, path in found], suffix or ".png")
    elif len(found) > 1:
        raise InputError(f"{output} is one file for {len(found)} images: name a folder instead")
    else:
        results = [output]
    names.results.extend(zip(sources, results, strict=True))
    return names


def clips_passed_over(paths: Iterable[Path]) -> str | None:
    """Returns one line about the clips among files that are not taken; None if there is none."""
    clips = [str(path) for path in paths if path.suffix.lower() in CLIP_SUFFIXES]
    return f"clips in folders are passed over, name each itself: {some(clips)}" if clips else None


def _is_file(inputs: list[str | Path]) -> bool:
    """Returns whether the inputs are one picture, and no folder or pattern."""
    return len(inputs) == 1 and os.path.isfile(expand_home(str(inputs[0])))


def _find(
    inputs: Iterable[str | Path], output: Path | None, names: Names
) -> list[tuple[Path, Path]]:
    """Returns (source file, path of the result in the output folder) of each image once."""
    found: dict[Path, tuple[Path, Path]] = {}
    for given in inputs:
        path = expand_home(str(given))
        pictures = list(_expand(path, output, names))
        if not pictures:
            reasons = (passed_over(names.passed_over), clips_passed_over(names.passed_over))
            others = "; ".join(filter(None, reasons))
            is_there = glob.has_magic(path) or os.path.exists(path)
            problem = "no image found" if is_there else "no such file or folder"
            raise InputError(f"{given}: {problem}" + (f" ({others})" if others else ""))
        for source, name in pictures:
            found.setdefault(real_path(source), (source, name))
    if not found:
        raise InputError("no input given")
    return list(found.values())


def _expand(given: str, output: Path | None, names: Names) -> Iterable[tuple[Path, Path]]:
    path = Path(given)
    if path.is_dir():
        if output is not None and real_path(path) == real_path(output):
            # A second run would translate the results of the first.
            raise InputError(f"{given}: is the input and the output folder; choose another output")
        return [(source, source.relative_to(path)) for source in _walk(path, output, names)]
    # Before patterns, because a file's name may contain brackets. Broken links fail when read.
    if os.path.lexists(path):
        return [(path, Path(path.name))]
    return [pair for match in _matches(path, output) for pair in _expand(match, output, names)]


def matches(given: str, output: str | None) -> list[str]:
    """Returns the paths that a pattern matches, or the input itself if it is no pattern.

    Args:
      given: file, folder or pattern; `~` is the home.
      output: the output, whose content does not match if it is a folder.
    """
    path = expand_home(given)
    if os.path.lexists(path) or not glob.has_magic(path):
        return [given]
    return _matches(Path(path), output and Path(expand_home(output))) or [given]


def _matches(pattern: Path, output: Path | None) -> list[str]:
    """Returns the paths that a pattern matches, without the output folder and its content."""
    # The folders at its start that exist are escaped, because of brackets in them.
    start = next(folder for folder in pattern.parents if folder.is_dir())
    escaped = os.path.join(glob.escape(str(start)), pattern.relative_to(start))
    matches = sorted(glob.glob(escaped, recursive=True))
    # A pattern that begins in the output folder names it: `photos/*.jpg` into `photos`.
    if output is None or not output.is_dir() or _is_in(start, output):
        return matches
    return [match for match in matches if not _is_in(match, output)]


def _is_in(path: str | Path, folder: Path) -> bool:
    return real_path(path).is_relative_to(real_path(folder))


def _walk(folder: Path, output: Path | None, names: Names) -> Iterable[Path]:
    listing = list_files(folder, skipped=output)
    names.unreadable.extend((Path(e.filename), str(e.strerror)) for e in listing.unreadable)
    for file in listing.files:
        if file.suffix.lower() in PICTURE_SUFFIXES:
            yield file
        else:
            names.passed_over.append(file)
