"""The first look at all photographs: which can be used, and in which split.

Everything that can be wrong with a photograph is found here, for all of them, before hours are
spent on the first.
"""

import collections
import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cartoon_tfds.images import ImageError
from cartoon_tfds.near_duplicates import MAX_DISTANCE, nearest, perceptual_hash
from cartoon_tfds.parallel import map_in_order, progress_bar
from cartoon_tfds.provenance import SPLITS, split_of
from cartoon_tfds.recipes import Recipe
from cartoon_tfds.sources import Photo, Source, SourceError

# Photographs are left out of the split on the left for a copy in one further right: what is
# measured must not have been trained on.
_LEAST_TO_MOST_PRECIOUS = SPLITS


class Skipped(NamedTuple):
    """A photograph that is left out, and why."""

    photo_id: str
    reason: str  # 'unusable', 'duplicate' or 'near duplicate'
    detail: str


@dataclasses.dataclass(frozen=True)
class Survey:
    """What a survey found.

    Attributes:
      splits: the split of each photograph that is used, by `Photo.key`, in order.
      skipped: the others, in order.
    """

    splits: dict[str, str]
    skipped: tuple[Skipped, ...]

    def select(self, sources: Iterable[Source], split: str | None = None) -> Iterator[Photo]:
        """Yields the photographs that are used, each once, of one split or of all."""
        seen = set()
        for photo in iter_photos(sources):
            found = self.splits.get(photo.key)
            if found and photo.key not in seen and split in (None, found):
                seen.add(photo.key)
                yield photo

    def first(self, count: int) -> "Survey":
        """Returns the survey of no more than the first `count` photographs of each split."""
        seen = collections.Counter()
        splits = {}
        for key, split in self.splits.items():
            seen[split] += 1
            if seen[split] <= count:
                splits[key] = split
        return dataclasses.replace(self, splits=splits)

    def counts(self) -> dict[str, int]:
        """Returns how many photographs are left out, by reason."""
        return dict(sorted(collections.Counter(item.reason for item in self.skipped).items()))

    def write_skipped(self, path: Path) -> None:
        """Writes the photographs that are left out, with counts, as JSON."""
        photographs = [item._asdict() for item in self.skipped]
        content = {"counts": self.counts(), "photographs": photographs}
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class _Seen(NamedTuple):
    photo_id: str
    key: str
    sha256: str
    split: str
    by_content: bool  # whether the split follows from the content
    hash: np.ndarray | None  # None if the photograph cannot be used
    problem: str


def make_survey(
    sources: Iterable[Source],
    recipe: Recipe,
    *,
    skip_bad: bool,
    workers: int | None = None,
    progress: bool = False,
) -> Survey:
    """Returns the survey of all photographs, having decoded each.

    Of files with the same bytes the first is used. Where near duplicates (see `near_duplicates`)
    are in different splits, the one in the training split is left out, or that in the validation
    split for a test photograph's sake; a split that is given by a folder stays as it is.

    Args:
      sources: of the photographs.
      recipe: says what makes a photograph usable.
      skip_bad: leaves out what cannot be used, instead of raising.
      workers: threads; by default one for each core.
      progress: shows a progress bar.

    Raises:
      SourceError: naming all photographs that cannot be used, or if none can.
    """

    def look(photo: Photo) -> _Seen:
        perceptual, problem = None, photo.problem
        if not problem:
            try:
                perceptual = perceptual_hash(recipe.read(photo))
            except ImageError as error:
                problem = str(error)
        split = photo.split or split_of(photo.sha256)
        return _Seen(
            photo.photo_id, photo.key, photo.sha256, split, photo.split is None, perceptual, problem
        )

    looks = map_in_order(look, iter_photos(sources), workers)
    seen = list(progress_bar(looks, progress, desc="checking", unit="photo"))
    bad = [Skipped(one.photo_id, "unusable", one.problem) for one in seen if one.problem]
    if bad and not skip_bad:
        raise SourceError(_list_bad(bad, len(seen)))
    unique, same = _without_duplicates([one for one in seen if not one.problem])
    kept, near = _without_near_duplicates(unique)
    if not kept:
        raise SourceError("no photograph can be used" if seen else "there are no photographs")
    return Survey({one.key: one.split for one in kept}, (*bad, *same, *near))


def iter_photos(sources: Iterable[Source]) -> Iterator[Photo]:
    """Yields the photographs of all sources."""
    for source in sources:
        yield from source.photos()


def _list_bad(bad: list[Skipped], total: int) -> str:
    """Returns a message of one line for each photograph that cannot be used."""
    lines = [f"{len(bad)} of {total} photographs cannot be used:"]
    lines += [f"  {item.detail}" for item in bad]
    return "\n".join([*lines, "--skip_bad leaves them out and lists them in skipped.json"])


def _without_duplicates(seen: list[_Seen]) -> tuple[list[_Seen], list[Skipped]]:
    """Returns the first photograph of each content, and the others."""
    first, others = {}, []
    for one in seen:
        found = first.setdefault(one.sha256, one)
        if found is not one:
            others.append(Skipped(one.photo_id, "duplicate", f"same bytes as {found.photo_id}"))
    return list(first.values()), others


def _without_near_duplicates(seen: list[_Seen]) -> tuple[list[_Seen], list[Skipped]]:
    """Returns the photographs that have no near duplicate in a more precious split, and those."""
    skipped: dict[str, Skipped] = {}
    for rank, split in enumerate(_LEAST_TO_MOST_PRECIOUS):
        more_precious = _LEAST_TO_MOST_PRECIOUS[rank + 1 :]
        mine = [one for one in seen if one.by_content and one.split == split]
        theirs = [one for one in seen if one.by_content and one.split in more_precious]
        if not mine or not theirs:
            continue
        indices, distances = nearest(*(np.stack([o.hash for o in x]) for x in (mine, theirs)))
        for one, index, distance in zip(mine, indices, distances, strict=True):
            if distance <= MAX_DISTANCE:
                copy = theirs[index]
                detail = f"like {copy.photo_id} in {copy.split}: {distance} of 256 bits differ"
                skipped[one.sha256] = Skipped(one.photo_id, "near duplicate", detail)
    return [one for one in seen if one.sha256 not in skipped], list(skipped.values())
