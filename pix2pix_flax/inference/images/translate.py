"""Translates image files, folders and patterns; writes one PNG file for each image."""

import dataclasses
import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import tqdm

from cartoon_tfds.errors import UserError, one_line
from cartoon_tfds.images import PICTURE_SUFFIXES, read_picture, write_png
from pix2pix_flax.inference.images.pixels import translate_pixels


class InputError(UserError):
    """No input image was found, or the output folder cannot be used; the message is one line."""


@dataclasses.dataclass(frozen=True)
class Report:
    """The files that `translate_images` wrote, kept and failed to write.

    Attributes:
      written: files that were written.
      kept: files that existed already and were not replaced.
      failed: (source file, reason on one line) of each image that could not be translated.
    """

    written: list[Path]
    kept: list[Path]
    failed: list[tuple[Path, str]]

    @property
    def complete(self) -> bool:
        """Whether every image was translated in this call."""
        return not self.kept and not self.failed

    def __str__(self) -> str:
        lines = [f"{len(self.written)} images written"]
        if self.kept:
            lines.append(f"{len(self.kept)} existed already (--overwrite replaces them)")
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
    """Translates image files and writes each result as a PNG file into `output_dir`.

    Transparency, 16 bits per channel, grey (see `translate_pixels`) and the colour profile are
    kept. The network takes the levels of an image with a colour profile unconverted, and the result
    gets the same profile. A profile of another colour space than the result, e.g. CMYK, is left
    out.

    Folders are searched with their subfolders, and `output_dir` gets the same subfolders. Hidden
    files, `output_dir` itself and files without an image suffix are skipped; a file that is named
    in `inputs` is tried with any suffix. If two results would get the same name, they keep the
    suffixes of their sources (`a.jpg.png`, `a.png.png`), and get numbers if that is not enough. If
    one image fails, the rest are still translated.

    Args:
      predict: uint8 RGB [1, H, W, 3] -> uint8 RGB [1, H', W', 3].
      inputs: files, folders and patterns, e.g. `photos/**/*.jpg`.
      output_dir: folder for the results; made if it is missing.
      keep_grey: whether grey images stay grey: right for super-resolution and for styles, wrong for
        colourisation. An image is grey if its file has no colour channels.
      overwrite: whether results that exist already are replaced. Inputs are never replaced.
      progress: whether to show a progress bar on standard error.

    Raises:
      InputError: no image was found, or `output_dir` is not a folder and cannot be made.
    """
    output_dir = Path(output_dir)
    targets = _targets(_find(inputs, output_dir), output_dir)
    _make_folder(output_dir)
    sources = {source.resolve() for source, _ in targets}
    report = Report([], [], [])
    for source, target in tqdm.tqdm(targets, unit=" images", disable=not progress):
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
    except (UserError, OSError) as error:
        reason = one_line(error)
        report.failed.append((source, reason if str(source) in reason else f"{source}: {reason}"))
    else:
        report.written.append(target)


def _profile_for(image: np.ndarray, icc_profile: bytes | None) -> bytes | None:
    """Returns the profile if it is for the image's colour space (ICC.1:2022, 7.2.8), else None."""
    kind = b"GRAY" if image.ndim == 2 else b"RGB "
    return icc_profile if icc_profile and icc_profile[16:20] == kind else None


def _find(inputs: Iterable[str | Path], output_dir: Path) -> list[tuple[Path, Path]]:
    """Returns (source file, path of the result in the output folder) of each image once."""
    found: dict[Path, tuple[Path, Path]] = {}
    for given in inputs:
        pictures = list(_expand(str(given), output_dir))
        if not pictures:
            raise InputError(f"{given}: no image found")
        for source, name in pictures:
            found.setdefault(source.resolve(), (source, name))
    if not found:
        raise InputError("no input given")
    return list(found.values())


def _expand(given: str, output_dir: Path) -> Iterable[tuple[Path, Path]]:
    path = Path(given)
    if path.is_dir():
        if path.resolve() == output_dir.resolve():
            # A second run would translate the results of the first.
            raise InputError(f"{given}: is the input and the output folder; choose another output")
        return [(source, source.relative_to(path)) for source in _walk(path, output_dir)]
    if path.exists():  # before patterns, because a file's name may contain brackets
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
    """Returns (source file, result file) pairs; the result files differ even without case."""
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
