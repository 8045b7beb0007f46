"""Translates pictures: files, folders and patterns, one PNG for each."""

import dataclasses
import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import tqdm

from cartoon_tfds.images import PICTURE_SUFFIXES, read_picture, write_png
from pix2pix_flax.inference.images.pixels import translate_pixels


class InputError(ValueError):
    """Inputs or an output folder that leave nothing to do; its message is one line."""


@dataclasses.dataclass(frozen=True)
class Report:
    """What became of the pictures.

    Attributes:
      written: Files that were written.
      kept: Files that were there already and were not replaced.
      failed: (picture, reason in one line) of those that could not be translated.
    """

    written: list[Path]
    kept: list[Path]
    failed: list[tuple[Path, str]]

    @property
    def complete(self) -> bool:
        """Whether every picture was translated now."""
        return not self.kept and not self.failed

    def __str__(self) -> str:
        lines = [f"{len(self.written)} pictures written"]
        if self.kept:
            lines.append(f"{len(self.kept)} were there already (--overwrite replaces them)")
        if self.failed:
            lines.append(f"{len(self.failed)} could not be translated:")
            lines += [f"  {reason}" for _, reason in self.failed]
        return "\n".join(lines)


def translate_images(
    predict: Callable[[np.ndarray], np.ndarray],
    inputs: Sequence[str | Path],
    output_dir: str | Path,
    *,
    keep_grey: bool = True,
    overwrite: bool = False,
    progress: bool = True,
) -> Report:
    """Writes each picture translated, as PNG of the same name, into `output_dir`.

    Transparency, 16 bits a channel, grey and a colour profile are kept; `translate_pixels` says
    how. With its profile a picture's levels go through the network as they are, and mean the same
    before and after; a profile that is not of the kind of the result, such as CMYK, is left out.

    A folder is searched with all its subfolders, which are repeated in `output_dir`; hidden files,
    the output folder itself and what is not named like a picture are passed over, but a file that
    is given itself is tried whatever its name. Where two pictures would get one name, they keep
    their suffixes (`a.jpg.png`, `a.png.png`), and are numbered where that is not enough. One
    picture that fails does not stop the rest.

    Args:
      predict: uint8 RGB [1, H, W, 3] -> uint8 RGB [1, H', W', 3].
      inputs: Files, folders and patterns such as `photos/**/*.jpg`.
      output_dir: Made if it is missing.
      keep_grey: Whether grey pictures become grey ones: right for super-resolution and for styles,
        wrong for a network that colours. Files count as grey that have no colour channels.
      overwrite: Whether pictures that are there already are replaced. Inputs never are.
      progress: Whether to show a bar on standard error.

    Raises:
      InputError: No picture was found, or `output_dir` is not and cannot become a folder.
    """
    output_dir = Path(output_dir)
    targets = _targets(_find(inputs, output_dir), output_dir)
    _make_folder(output_dir)
    sources = {source.resolve() for source, _ in targets}
    report = Report([], [], [])
    for source, target in tqdm.tqdm(targets, unit=" pictures", disable=not progress):
        if target.resolve() in sources:
            report.failed.append((source, f"{source}: {target} is one of the inputs"))
        elif target.exists() and not overwrite:
            report.kept.append(target)
        else:
            _translate(predict, source, target, keep_grey, report)
    return report


def _translate(
    predict: Callable[[np.ndarray], np.ndarray],
    source: Path,
    target: Path,
    keep_grey: bool,
    report: Report,
) -> None:
    try:
        picture = read_picture(source, min_side=1)
        translated = translate_pixels(predict, picture, keep_grey=keep_grey)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_png(target, translated, _profile_for(translated, picture.icc_profile))
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        report.failed.append((source, reason if str(source) in reason else f"{source}: {reason}"))
    else:
        report.written.append(target)


def _profile_for(image: np.ndarray, icc_profile: bytes | None) -> bytes | None:
    """Returns a profile if it is of an image's kind (ICC.1:2022, 7.2.8), else None."""
    kind = b"GRAY" if image.ndim == 2 else b"RGB "
    return icc_profile if icc_profile and icc_profile[16:20] == kind else None


def _find(inputs: Iterable[str | Path], output_dir: Path) -> list[tuple[Path, Path]]:
    """Returns (picture, name below the output folder) of each picture once, in order."""
    found: dict[Path, tuple[Path, Path]] = {}
    for given in inputs:
        pictures = list(_expand(str(given), output_dir))
        if not pictures:
            raise InputError(f"{given}: no picture found")
        for source, name in pictures:
            found.setdefault(source.resolve(), (source, name))
    if not found:
        raise InputError("no input given")
    return list(found.values())


def _expand(given: str, output_dir: Path) -> Iterable[tuple[Path, Path]]:
    path = Path(given)
    if path.is_dir():
        if path.resolve() == output_dir.resolve():
            # The next run would take the results for inputs.
            raise InputError(f"{given}: is the input and the output folder")
        return [(source, source.relative_to(path)) for source in _walk(path, output_dir)]
    if path.exists():  # Also a name that happens to hold a bracket.
        return [(path, Path(path.name))]
    matches = sorted(glob.glob(given, recursive=True))
    return [pair for match in matches for pair in _expand(match, output_dir)]


def _walk(folder: Path, output_dir: Path) -> Iterable[Path]:
    skipped = output_dir.resolve()
    for parent, folders, files in os.walk(folder):
        base = Path(parent)
        folders[:] = sorted(
            f for f in folders if not f.startswith(".") and (base / f).resolve() != skipped
        )
        for file in sorted(files):
            if Path(file).suffix.lower() in PICTURE_SUFFIXES and not file.startswith("."):
                yield base / file


def _targets(found: list[tuple[Path, Path]], output_dir: Path) -> list[tuple[Path, Path]]:
    """Returns (picture, file to write), no file twice, also where case does not count."""
    short = Counter(_key(name.with_suffix(".png")) for _, name in found)
    targets, taken = [], set()
    for source, name in found:
        plain = name.with_suffix(".png")
        candidate = plain if short[_key(plain)] == 1 else name.with_name(f"{name.name}.png")
        number = 1
        while _key(candidate) in taken:
            number += 1
            candidate = name.with_name(f"{name.name}-{number}.png")
        taken.add(_key(candidate))
        targets.append((source, output_dir / candidate))
    return targets


def _key(path: Path) -> str:
    return str(path).casefold()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be used as output folder: {error.strerror}") from error
