"""Makes the examples of all photographs on all cores, and keeps finished parts on disk."""

import dataclasses
import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path

from cartoon_tfds.generation.parallel import map_in_order, progress_bar
from cartoon_tfds.generation.part_store import PartStore
from cartoon_tfds.generation.survey import Survey
from cartoon_tfds.recipes.base import Example, Recipe
from cartoon_tfds.sources.base import Photo, Source, SourceError
from cartoon_tfds.sources.splits import content_hash

_LIBRARIES = ("numpy", "opencv-python-headless", "pillow")


@dataclasses.dataclass(frozen=True)
class LocalRunner:
    """Makes the examples once, on this machine; `examples` can read them any number of times.

    Attributes:
      folder: folder for finished parts, with a subfolder for each recipe and set of library
        versions.
      sources: sources of the photographs.
      recipe: makes the examples of a photograph.
      survey: the photographs to use.
    """

    folder: Path
    sources: tuple[Source, ...]
    recipe: Recipe
    survey: Survey

    @property
    def _store(self) -> PartStore:
        made_by = {"recipe": self.recipe.describe(), "libraries": library_versions()}
        digest = content_hash(json.dumps(made_by, sort_keys=True).encode())
        return PartStore(self.folder / digest[:16])

    def make_all(self, *, workers: int | None = None, progress: bool = False) -> None:
        """Makes all parts that are not stored yet.

        Args:
          workers: number of threads; by default one per core. The examples do not depend on it.
          progress: True to display a progress bar.

        Raises:
          SourceError: if a photograph of the survey was changed or removed.
        """
        store = self._store

        def make(job: tuple[Photo, int]) -> None:
            photo, part = job
            key = _part_key(photo.key, part)
            if not store.holds(key):
                store.save(key, self.recipe.make(photo, part))

        jobs = (
            (photo, part)
            for photo in self.survey.select(self.sources)
            for part in range(self.survey.used[photo.key].num_parts)
        )
        wanted = sum(used.num_parts for used in self.survey.used.values())
        examples = sum(used.num_examples for used in self.survey.used.values())
        parts = progress_bar(
            map_in_order(make, jobs, workers),
            progress,
            desc="drawing",
            unit="example",
            total=wanted,
            scale=examples / wanted,
        )
        if sum(1 for _ in parts) != wanted:
            raise SourceError(
                "photographs changed or disappeared during the build; start the build again"
            )

    def examples(self, split: str) -> Iterator[Example]:
        """Yields the examples of a split; call `make_all` first."""
        store = self._store
        for key, used in self.survey.used.items():
            if used.split == split:
                for part in range(used.num_parts):
                    yield from store.load(_part_key(key, part))


def library_versions() -> dict[str, str]:
    """Returns the versions of the libraries that determine the pixels."""
    return {name: importlib.metadata.version(name) for name in _LIBRARIES}


def _part_key(photo_key: str, part: int) -> str:
    return f"{photo_key}-{part}"
