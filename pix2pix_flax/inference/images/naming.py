"""Finds image files, and names the file of each result."""

import glob
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import PICTURE_SUFFIXES, WRITABLE_SUFFIXES
from pix2pix_flax.inference.beside import LABEL, beside


class InputError(UserError):
    """No input image was found, or the output cannot be used; the message is one line."""


def name_results(
    inputs: Iterable[str | Path], output: str | Path | None, suffix: str | None
) -> list[tuple[Path, Path]]:
    """Returns (source file, file of the result) of each image once.

    Args:
      inputs: files, folders and patterns, e.g. `photos/**/*.jpg`; `~` is the home.
      output: a folder; or a file for the result of a single image, if it ends in one of
        `WRITABLE_SUFFIXES` and is no folder; None: beside each source, as `photo-cartoon.jpg`.
      suffix: suffix of the results, one of `WRITABLE_SUFFIXES`; None: `.png` in a folder, and
        the suffix of the source beside it, if it can be written.

    Raises:
      InputError: no image was found, or the output is one file for several images.
    """
    if output is None:
        return [
            (source, _beside(source, suffix))
            for source, _ in _find(inputs, None)
            if not source.stem.endswith(LABEL)
        ]
    output = Path(output).expanduser()
    found = _find(inputs, output)
    if output.suffix.lower() not in WRITABLE_SUFFIXES or output.is_dir():
        return _in_folder(found, output, suffix or ".png")
    if len(found) > 1:
        raise InputError(f"{output} is one file for {len(found)} images: name a folder instead")
    return [(found[0][0], output)]


def _beside(source: Path, suffix: str | None) -> Path:
    result = beside(source, WRITABLE_SUFFIXES, ".png")
    return result.with_suffix(suffix) if suffix else result


def _find(inputs: Iterable[str | Path], output: Path | None) -> list[tuple[Path, Path]]:
    """Returns (source file, path of the result in the output folder) of each image once."""
    found: dict[Path, tuple[Path, Path]] = {}
    for given in inputs:
        pictures = list(_expand(os.path.expanduser(given), output))
        if not pictures:
            raise InputError(f"{given}: no image found")
        for source, name in pictures:
            found.setdefault(source.resolve(), (source, name))
    if not found:
        raise InputError("no input given")
    return list(found.values())


def _expand(given: str, output: Path | None) -> Iterable[tuple[Path, Path]]:
    path = Path(given)
    if path.is_dir():
        if output is not None and path.resolve() == output.resolve():
            # A second run would translate the results of the first.
            raise InputError(f"{given}: is the input and the output folder; choose another output")
        return [(source, source.relative_to(path)) for source in _walk(path, output)]
    if path.exists():  # before patterns, because a file's name may contain brackets
        return [(path, Path(path.name))]
    matches = sorted(glob.glob(given, recursive=True))
    return [pair for match in matches for pair in _expand(match, output)]


def _walk(folder: Path, output: Path | None) -> Iterable[Path]:
    skipped = output and output.resolve()
    for parent, folders, files in os.walk(folder):
        base = Path(parent)
        folders[:] = sorted(
            f for f in folders if not f.startswith(".") and (base / f).resolve() != skipped
        )
        for file in sorted(files):
            if Path(file).suffix.lower() in PICTURE_SUFFIXES and not file.startswith("."):
                yield base / file


def _in_folder(
    found: list[tuple[Path, Path]], folder: Path, suffix: str
) -> list[tuple[Path, Path]]:
    """Returns (source file, result file) pairs; the result files differ even without case."""
    short = Counter(_key(name.with_suffix(suffix)) for _, name in found)
    targets, taken = [], set()
    for source, name in found:
        plain = name.with_suffix(suffix)
        candidate = plain if short[_key(plain)] == 1 else name.with_name(f"{name.name}{suffix}")
        number = 1
        while _key(candidate) in taken:
            number += 1
            candidate = name.with_name(f"{name.name}-{number}{suffix}")
        taken.add(_key(candidate))
        targets.append((source, folder / candidate))
    return targets


def _key(path: Path) -> str:
    return str(path).casefold()
