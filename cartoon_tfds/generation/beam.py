"""Makes the same examples as `local`, with Apache Beam on one or more machines."""

from collections.abc import Iterator
from typing import Any

from cartoon_tfds.generation.parallel import one_opencv_thread
from cartoon_tfds.generation.survey import Survey
from cartoon_tfds.recipes.base import Example, Recipe
from cartoon_tfds.sources.base import Photo, Source


def make(sources: tuple[Source, ...], recipe: Recipe, survey: Survey, split: str) -> Any:
    """Returns the Beam transform that makes the examples of a split.

    Args:
      sources: sources of the photographs; every worker must find their files at the same paths.
      recipe: makes the examples of a photograph.
      survey: the photographs to use.
      split: name of the split, one of `cartoon_tfds.sources.splits.SPLITS`.
    """
    import apache_beam as beam  # imported here, because other builds do not need it

    def read(source: Source) -> Iterator[tuple[Photo, int]]:
        for photo in survey.select([source], split):
            yield from ((photo, part) for part in range(survey.used[photo.key].num_parts))

    def draw(photo: Photo, part: int) -> list[Example]:
        with one_opencv_thread():
            return recipe.make(photo, part)

    return beam.Create(sources) | beam.FlatMap(read) | beam.Reshuffle() | beam.FlatMapTuple(draw)
