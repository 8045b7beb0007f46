"""Translates image files, folders and patterns; writes one file for each image."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tqdm

from cartoon_tfds.errors import UserError, one_line
from cartoon_tfds.files import real_path
from cartoon_tfds.images import (
    Picture,
    further_pages,
    passed_over,
    read_picture,
    some,
    write_picture,
)
from pix2pix_flax.inference.beside import left_out
from pix2pix_flax.inference.images.naming import InputError, clips_passed_over, name_results
from pix2pix_flax.inference.images.pixels import translate_pixels

Compare = Callable[[Path, Picture], np.ndarray]
"""From a source file and its picture to the result, uint8 or uint16 [H, W, C] or [H, W]."""

_MOST_PATHS = 5  # more results are named by their folders


@dataclasses.dataclass(frozen=True)
class Report:
    """The files that `translate_images` wrote, kept and failed to write.

    Attributes:
      written: files that were written.
      kept: files that existed already and were not replaced.
      failed: (source file or folder, reason on one line) of each image that could not be
        translated, and of each folder that could not be listed.
      pages: (source file, number of its pages or frames) of each image that has several; only the
        first is translated.
      lost_profiles: source files whose colour profile could not be read and is left out.
      own: sources that were left out, because they are called like results; see `naming.Names`.
      passed_over: files in the folders that are no images, or of formats that cannot be read.
    """

    written: list[Path] = dataclasses.field(default_factory=list)
    kept: list[Path] = dataclasses.field(default_factory=list)
    failed: list[tuple[Path, str]] = dataclasses.field(default_factory=list)
    pages: list[tuple[Path, int]] = dataclasses.field(default_factory=list)
    lost_profiles: list[Path] = dataclasses.field(default_factory=list)
    own: list[Path] = dataclasses.field(default_factory=list)
    passed_over: list[Path] = dataclasses.field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every image has its result, from this call or from an earlier one."""
        return not self.failed

    def __str__(self) -> str:
        count = len(self.written)
        lines = [f"{count} image{'' if count == 1 else 's'} written{self._places()}"]
        if self.kept:
            kept = some(map(str, self.kept))
            lines.append(f"{len(self.kept)} existed already (--overwrite replaces them): {kept}")
        lines += self._left_out()
        if self.failed:
            lines.append(f"{len(self.failed)} could not be translated:")
            lines += [f"  {reason}" for _, reason in self.failed]
        return "\n".join(lines)

    def _left_out(self) -> Iterator[str]:
        """Yields a line for each kind of content that is in no result."""
        if self.own:
            yield left_out(self.own)
        if pages := further_pages((path.name, count) for path, count in self.pages):
            yield pages
        if self.lost_profiles:
            names = some(path.name for path in self.lost_profiles)
            yield f"colour profiles that could not be read were left out: {names}"
        if others := passed_over(self.passed_over):
            yield others
        if clips := clips_passed_over(self.passed_over):
            yield clips

    def _places(self) -> str:
        """Returns where the results lie: the files, or the folders if there are many."""
        paths = self.written
        if len(paths) > _MOST_PATHS:
            paths = sorted({path.parent for path in paths})[:_MOST_PATHS]
        return f": {', '.join(map(str, paths))}" if paths else ""


def translate_images(
    predict: Callable[[np.ndarray], np.ndarray],
    inputs: Sequence[str | Path],
    output: str | Path | None = None,
    *,
    suffix: str | None = None,
    quality: int = 92,
    keep_grey: bool = True,
    overwrite: bool = False,
    progress: bool = True,
    compare: Compare | None = None,
) -> Report:
    """Translates image files and writes the result of each.

    Transparency, 16 bits per channel, grey (see `translate_pixels`) and the colour profile are
    kept, as far as the format of the result has them (see `write_picture`). The network takes the
    levels of an image with a colour profile unconverted, and the result gets the same profile. A
    profile of another colour space than the result, e.g. CMYK, is left out.

    Folders are searched with their subfolders, and an output folder gets the same subfolders.
    Linked folders are searched too, each folder once. Hidden files, the output folder itself and
    files without an image suffix are skipped, and the report counts images of formats that cannot
    be read; a file that is named in `inputs` is tried with any suffix. If two results would get the
    same name, they keep the suffixes of their sources (`a.jpg.png`, `a.png.png`), and get numbers
    if that is not enough. If one image fails, the rest are still translated.

    Args:
      predict: uint8 RGB [1, H, W, 3] -> uint8 RGB [1, H', W', 3].
      inputs: files, folders and patterns, e.g. `photos/**/*.jpg`.
      output: folder for the results, or a file for the result of a single image; None: beside each
        source. See `naming.name_results`.
      suffix: suffix of the results; None: `.png`, or beside a source its own.
      quality: 1..100, of JPEG and WebP.
      keep_grey: whether grey images stay grey: right for super-resolution and for styles, wrong for
        colourisation. An image is grey if its file has no colour channels.
      overwrite: whether results that exist already are replaced. Inputs are never replaced.
      progress: whether to show a progress bar on standard error, if that is a terminal.
      compare: makes the result of each picture in place of `predict`; see `compare.Comparison`.

    Raises:
      InputError: no image was found, or the output cannot be used.
    """
    names = name_results(inputs, output, suffix)
    targets = names.results
    for folder in sorted({target.parent for _, target in targets}):
        _make_folder(folder)
    sources = {real_path(source) for source, _ in targets}
    report = Report(own=names.own, passed_over=names.passed_over)
    report.failed.extend((folder, f"{folder}: {why}") for folder, why in names.unreadable)
    make = compare or (lambda _, picture: translate_pixels(predict, picture, keep_grey=keep_grey))
    hidden = None if progress else True  # None: tqdm hides the bar if stderr is no terminal
    for source, target in tqdm.tqdm(targets, unit=" images", disable=hidden):
        if real_path(target) in sources:
            report.failed.append((source, f"{source}: {target} is one of the inputs"))
        elif target.exists() and not overwrite:
            report.kept.append(target)
        else:
            _translate(make, source, target, report, quality=quality)
    return report


def _translate(make: Compare, source: Path, target: Path, report: Report, *, quality: int) -> None:
    try:
        picture = read_picture(source, min_side=1)
        translated = make(source, picture)
        profile = _profile_for(translated, picture.icc_profile)
        write_picture(target, translated, profile, quality=quality)
    except (UserError, OSError) as error:
        reason = one_line(error)
        report.failed.append((source, reason if str(source) in reason else f"{source}: {reason}"))
    else:
        report.written.append(target)
        if picture.pages > 1:
            report.pages.append((source, picture.pages))
        if picture.lost_profile:
            report.lost_profiles.append(source)


def _profile_for(image: np.ndarray, icc_profile: bytes | None) -> bytes | None:
    """Returns the profile if it is for the image's colour space (ICC.1:2022, 7.2.8), else None."""
    kind = b"GRAY" if image.ndim == 2 else b"RGB "
    return icc_profile if icc_profile and icc_profile[16:20] == kind else None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be used as output folder: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: no permission to write here: name another folder by --output")
