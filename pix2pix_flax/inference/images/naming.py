"""Finds image files, and names the file of each result."""

import dataclasses
import glob
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import expand_home, fitting
from cartoon_tfds.images import (
    PICTURE_SUFFIXES,
    UNREAD_SUFFIXES,
    WRITABLE_SUFFIXES,
    list_files,
    passed_over,
)
from pix2pix_flax.inference.beside import LABEL, beside

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
        a single image, a new folder whose name has another ending needs a `/` at its end.
      suffix: suffix of the results, one of `WRITABLE_SUFFIXES`; None: `.png` in a folder, and
        the suffix of the source beside it, if it can be written.

    Raises:
      InputError: no image was found, the output is one file for several images, or its ending is
        none of a picture that can be written.
    """
    names = Names()
    text = output and expand_home(str(output))
    output = text and Path(text)
    is_folder = not output or output.is_dir() or text.endswith(os.sep)
    if not is_folder and output.suffix.lower() in _NO_RESULTS:
        kinds = ", ".join(sorted(WRITABLE_SUFFIXES))
        raise InputError(
            f"{output}: a picture cannot be written in this format: name a {kinds} file"
        )
    inputs = list(inputs)
    found = _find(inputs, output, names)
    if not is_folder and output.suffix.lower() not in WRITABLE_SUFFIXES | {""} and _is_file(inputs):
        kinds = ", ".join(sorted(WRITABLE_SUFFIXES))
        raise InputError(f"{output}: name a {kinds} file, or {output}{os.sep} for a folder")
    if output is None:
        own = [source for source, _ in found if source.stem.endswith(LABEL)]
        others = [source for source, _ in found if not source.stem.endswith(LABEL)]
        names.results.extend((source, _beside(source, suffix)) for source in others)
        results = {result for _, result in names.results}
        names.own.extend(source for source in own if source not in results)
    elif output.suffix.lower() not in WRITABLE_SUFFIXES or output.is_dir():
        names.results.extend(_in_folder(found, output, suffix or ".png"))
    elif len(found) > 1:
        raise InputError(f"{output} is one file for {len(found)} images: name a folder instead")
    else:
        names.results.append((found[0][0], output))
    return names


def _is_file(inputs: list[str | Path]) -> bool:
    """Returns whether the inputs are one picture, and no folder or pattern."""
    return len(inputs) == 1 and os.path.isfile(expand_home(str(inputs[0])))


def _beside(source: Path, suffix: str | None) -> Path:
    result = beside(source, WRITABLE_SUFFIXES, ".png")
    return fitting(result.with_suffix(suffix)) if suffix else result


def _find(
    inputs: Iterable[str | Path], output: Path | None, names: Names
) -> list[tuple[Path, Path]]:
    """Returns (source file, path of the result in the output folder) of each image once."""
    found: dict[Path, tuple[Path, Path]] = {}
    for given in inputs:
        path = expand_home(str(given))
        pictures = list(_expand(path, output, names))
        if not pictures:
            others = passed_over(names.passed_over)
            is_there = glob.has_magic(path) or os.path.exists(path)
            problem = "no image found" if is_there else "no such file or folder"
            raise InputError(f"{given}: {problem}" + (f" ({others})" if others else ""))
        for source, name in pictures:
            found.setdefault(source.resolve(), (source, name))
    if not found:
        raise InputError("no input given")
    return list(found.values())


def _expand(given: str, output: Path | None, names: Names) -> Iterable[tuple[Path, Path]]:
    path = Path(given)
    if path.is_dir():
        if output is not None and path.resolve() == output.resolve():
            # A second run would translate the results of the first.
            raise InputError(f"{given}: is the input and the output folder; choose another output")
        return [(source, source.relative_to(path)) for source in _walk(path, output, names)]
    if path.exists():  # before patterns, because a file's name may contain brackets
        return [(path, Path(path.name))]
    matches = sorted(glob.glob(_literal_folders(path), recursive=True))
    return [pair for match in matches for pair in _expand(match, output, names)]


def _literal_folders(pattern: Path) -> str:
    """Escapes the folders at the start of a pattern that exist, because of brackets in them."""
    folder = next(folder for folder in pattern.parents if folder.is_dir())
    return os.path.join(glob.escape(str(folder)), pattern.relative_to(folder))


def _walk(folder: Path, output: Path | None, names: Names) -> Iterable[Path]:
    listing = list_files(folder, skipped=output)
    names.unreadable.extend((Path(e.filename), str(e.strerror)) for e in listing.unreadable)
    for file in listing.files:
        if file.suffix.lower() in PICTURE_SUFFIXES:
            yield file
        else:
            names.passed_over.append(file)


def _in_folder(
    found: list[tuple[Path, Path]], folder: Path, suffix: str
) -> list[tuple[Path, Path]]:
    """Returns (source file, result file) pairs; the result files differ even without case."""
    short = Counter(_key(name.with_suffix(suffix)) for _, name in found)
    targets, taken = [], set()
    for source, name in found:
        plain = name.with_suffix(suffix)
        candidate = plain if short[_key(plain)] == 1 else name.with_name(f"{name.name}{suffix}")
        candidate = fitting(candidate)
        number = 1
        while _key(candidate) in taken:
            number += 1
            candidate = fitting(name.with_name(f"{name.name}-{number}{suffix}"))
        taken.add(_key(candidate))
        targets.append((source, folder / candidate))
    return targets


def _key(path: Path) -> str:
    return str(path).casefold()
