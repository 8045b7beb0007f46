"""Checks before a build which photographs are usable, and chooses their splits.

The survey finds all unusable photographs at once, before the build spends hours on drawing.
"""

import collections
import dataclasses
import json
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cartoon_tfds.generation.near_duplicates import MAX_DISTANCE, nearest, perceptual_hash
from cartoon_tfds.generation.parallel import map_in_order, progress_bar
from cartoon_tfds.images import ImageError
from cartoon_tfds.recipes.base import Recipe
from cartoon_tfds.sources.base import Photo, Source, SourceError
from cartoon_tfds.sources.splits import SPLITS, split_of


class Skipped(NamedTuple):
    """A photograph that is left out, and the reason."""

    photo_id: str
    reason: str  # 'unusable', 'duplicate' or 'near duplicate'
    detail: str


class Used(NamedTuple):
    """The split of a used photograph, and the number of its examples and parts."""

    split: str
    num_examples: int
    num_parts: int


@dataclasses.dataclass(frozen=True)
class Survey:
    """The photographs that a dataset uses and the photographs that it leaves out.

    Attributes:
      used: split and size of each used photograph, by `Photo.key`, in the order of the sources.
      skipped: the photographs left out, in the order of the sources.
    """

    used: dict[str, Used]
    skipped: tuple[Skipped, ...]

    def select(self, sources: Iterable[Source], split: str | None = None) -> Iterator[Photo]:
        """Yields each used photograph of a split, or of all splits for None, exactly once."""
        seen = set()
        for photo in iter_photos(sources):
            found = self.used.get(photo.key)
            if found and photo.key not in seen and split in (None, found.split):
                seen.add(photo.key)
                yield photo

    def first(self, count: int) -> "Survey":
        """Returns a survey that uses at most the first `count` photographs of each split."""
        seen = collections.Counter()
        few = {}
        for key, found in self.used.items():
            seen[found.split] += 1
            if seen[found.split] <= count:
                few[key] = found
        return dataclasses.replace(self, used=few)

    def counts(self) -> dict[str, int]:
        """Returns the number of photographs left out, by reason."""
        return dict(sorted(collections.Counter(item.reason for item in self.skipped).items()))

    def write_skipped(self, path: Path) -> None:
        """Writes the photographs left out, and their numbers by reason, as JSON."""
        photographs = [item._asdict() for item in self.skipped]
        content = {"counts": self.counts(), "photographs": photographs}
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class _Checked(NamedTuple):
    """The facts about a decoded photograph that decide if it is used."""

    photo_id: str
    key: str
    sha256: str
    used: Used
    by_content: bool  # True if the hash of the content decides the split
    hash: np.ndarray | None
    problem: str  # empty if the photograph can be used


def make_survey(
    sources: Iterable[Source],
    recipe: Recipe,
    *,
    skip_bad: bool,
    workers: int | None = None,
    progress: bool = False,
) -> Survey:
    """Decodes all photographs, and chooses the photographs to use.

    One of several files with the same bytes is used. If near duplicates (see `near_duplicates`) are
    in two splits, the copy in the earlier split (in the order train, validation, test) is left out,
    because a network must not be trained on a test photograph. If folders give the splits, near
    duplicates are kept and only files with the same bytes are left out.

    Args:
      sources: sources of the photographs.
      recipe: makes the examples; its `read` raises an ImageError for an unusable photograph.
      skip_bad: True to leave out unusable photographs instead of raising an error.
      workers: number of threads; by default one per core.
      progress: True to display a progress bar.

    Raises:
      SourceError: if photographs are unusable and `skip_bad` is False, or if none is usable; the
        message names all unusable photographs.
    """

    def check(photo: Photo) -> _Checked:
        split = photo.split or split_of(photo.sha256)
        perceptual, used, problem = None, Used(split, 0, 0), photo.problem
        if not problem:
            try:
                perceptual = perceptual_hash(recipe.read(photo))
                count = recipe.num_examples(photo)
                used = Used(split, count, recipe.num_parts(count))
            except ImageError as error:
                problem = str(error)
        by_content = photo.split is None
        return _Checked(
            photo.photo_id, photo.key, photo.sha256, used, by_content, perceptual, problem
        )

    checks = map_in_order(check, iter_photos(sources), workers)
    checked = list(progress_bar(checks, progress, desc="checking", unit="photo"))
    skipped = _find_bad(checked)
    if skipped and (len(skipped) == len(checked) or not skip_bad):
        raise SourceError(_list_bad(list(skipped.values()), len(checked)))
    if not checked:
        raise SourceError(
            "the sources contain no photographs; choose a folder or archive with images"
        )
    skipped |= _find_duplicates(checked, skipped)
    skipped |= _find_near_duplicates(checked, skipped)
    used = {one.key: one.used for index, one in enumerate(checked) if index not in skipped}
    return Survey(used, tuple(skipped[index] for index in sorted(skipped)))


def iter_photos(sources: Iterable[Source]) -> Iterator[Photo]:
    """Yields the photographs of all sources."""
    for source in sources:
        yield from source.photos()


def _list_bad(bad: list[Skipped], total: int) -> str:
    """Returns a message with one line for each unusable photograph."""
    lines = [f"{len(bad)} of {total} photographs cannot be used:"]
    lines += [f"  {item.detail}" for item in bad]
    if len(bad) < total:
        lines.append("--skip_bad leaves them out and lists them in skipped.json")
    return "\n".join(lines)


def _find_bad(checked: list[_Checked]) -> dict[int, Skipped]:
    """Returns the unusable photographs by their index in the list."""
    return {
        index: Skipped(one.photo_id, "unusable", one.problem)
        for index, one in enumerate(checked)
        if one.problem
    }


def _find_duplicates(checked: list[_Checked], skipped: Container[int]) -> dict[int, Skipped]:
    """Returns the copies to leave out, and keeps the first copy in the latest split."""
    by_content = collections.defaultdict(list)
    for index, one in enumerate(checked):
        if index not in skipped:
            by_content[one.sha256].append(index)
    found = {}
    for same in by_content.values():
        kept = max(same, key=lambda index: (SPLITS.index(checked[index].used.split), -index))
        detail = f"same bytes as {checked[kept].photo_id}"
        for index in same:
            if index != kept:
                found[index] = Skipped(checked[index].photo_id, "duplicate", detail)
    return found


def _find_near_duplicates(checked: list[_Checked], skipped: Container[int]) -> dict[int, Skipped]:
    """Returns the photographs that have a near duplicate in a later split of `SPLITS`."""
    compared = [
        index
        for index, one in enumerate(checked)
        if one.by_content and one.hash is not None and index not in skipped
    ]
    found, kept = {}, []
    for split in reversed(SPLITS):
        mine = [index for index in compared if checked[index].used.split == split]
        if mine and kept:
            near = nearest(*(np.stack([checked[i].hash for i in some]) for some in (mine, kept)))
            for index, place, distance in zip(mine, *near, strict=True):
                if distance <= MAX_DISTANCE:
                    copy = checked[kept[place]]
                    where = f"like {copy.photo_id} in {copy.used.split}"
                    detail = f"{where}: {distance} of 256 bits differ"
                    found[index] = Skipped(checked[index].photo_id, "near duplicate", detail)
        kept += [index for index in mine if index not in found]
    return found
