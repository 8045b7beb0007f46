"""The first look at all photographs: which can be used, and in which split.

Everything that can be wrong with a photograph is found here, for all of them, before hours are
spent on the first.
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
    """A photograph that is left out, and why."""

    photo_id: str
    reason: str  # 'unusable', 'duplicate' or 'near duplicate'
    detail: str


class Used(NamedTuple):
    """A photograph that is used: its split, and the number of its examples."""

    split: str
    num_examples: int
    num_parts: int


@dataclasses.dataclass(frozen=True)
class Survey:
    """The result of a survey.

    Attributes:
      used: the photographs that are used, by `Photo.key`, in order.
      skipped: the others, in order.
    """

    used: dict[str, Used]
    skipped: tuple[Skipped, ...]

    def select(self, sources: Iterable[Source], split: str | None = None) -> Iterator[Photo]:
        """Yields the photographs that are used, each once, of one split or of all."""
        seen = set()
        for photo in iter_photos(sources):
            found = self.used.get(photo.key)
            if found and photo.key not in seen and split in (None, found.split):
                seen.add(photo.key)
                yield photo

    def first(self, count: int) -> "Survey":
        """Returns the survey of no more than the first `count` photographs of each split."""
        seen = collections.Counter()
        few = {}
        for key, found in self.used.items():
            seen[found.split] += 1
            if seen[found.split] <= count:
                few[key] = found
        return dataclasses.replace(self, used=few)

    def counts(self) -> dict[str, int]:
        """Returns how many photographs are left out, by reason."""
        return dict(sorted(collections.Counter(item.reason for item in self.skipped).items()))

    def write_skipped(self, path: Path) -> None:
        """Writes the photographs that are left out, with counts, as JSON."""
        photographs = [item._asdict() for item in self.skipped]
        content = {"counts": self.counts(), "photographs": photographs}
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class _Checked(NamedTuple):
    """A photograph that was decoded, and the facts that its use depends on."""

    photo_id: str
    key: str
    sha256: str
    used: Used
    by_content: bool  # whether the split follows from the content
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
    """Returns the survey of all photographs, having decoded each.

    Of files with the same bytes one is used. Where near duplicates (see `near_duplicates`) are in
    different splits, the one in the training split is left out, or that in the validation split for
    a test photograph's sake: a test photograph must not have been trained on. Splits that are given
    by folders are only rid of files with the same bytes.

    Args:
      sources: of the photographs.
      recipe: decides whether a photograph can be used.
      skip_bad: leaves out unusable photographs instead of raising an error.
      workers: threads; by default one for each core.
      progress: shows a progress bar.

    Raises:
      SourceError: naming all photographs that cannot be used, or if none can.
    """

    def check(photo: Photo) -> _Checked:
        split = photo.split or split_of(photo.sha256)
        perceptual, used, problem = None, Used(split, 0, 0), photo.problem
        if not problem:
            try:
                perceptual = perceptual_hash(recipe.read(photo))
                used = Used(split, recipe.num_examples(photo), recipe.num_parts(photo))
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
        raise SourceError("there are no photographs")
    skipped |= _find_duplicates(checked, skipped)
    skipped |= _find_near_duplicates(checked, skipped)
    used = {one.key: one.used for index, one in enumerate(checked) if index not in skipped}
    return Survey(used, tuple(skipped[index] for index in sorted(skipped)))


def iter_photos(sources: Iterable[Source]) -> Iterator[Photo]:
    """Yields the photographs of all sources."""
    for source in sources:
        yield from source.photos()


def _list_bad(bad: list[Skipped], total: int) -> str:
    """Returns a message of one line for each photograph that cannot be used."""
    lines = [f"{len(bad)} of {total} photographs cannot be used:"]
    lines += [f"  {item.detail}" for item in bad]
    if len(bad) < total:
        lines.append("--skip_bad leaves them out and lists them in skipped.json")
    return "\n".join(lines)


def _find_bad(checked: list[_Checked]) -> dict[int, Skipped]:
    """Returns the unusable photographs by their place in the list."""
    return {
        index: Skipped(one.photo_id, "unusable", one.problem)
        for index, one in enumerate(checked)
        if one.problem
    }


def _find_duplicates(checked: list[_Checked], skipped: Container[int]) -> dict[int, Skipped]:
    """Returns the copies of files: all of the same bytes but the first in the last split, test."""
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
