"""The same examples made by Apache Beam, on as many machines as there are."""

from collections.abc import Iterator
from typing import Any

from cartoon_tfds.generation.parallel import one_opencv_thread
from cartoon_tfds.generation.survey import Survey
from cartoon_tfds.recipes.base import Example, Recipe
from cartoon_tfds.sources.base import Photo, Source


def make(sources: tuple[Source, ...], recipe: Recipe, survey: Survey, split: str) -> Any:
    """Returns the Beam transform that makes the examples of a split.

    Args:
      sources: of the photographs; every worker has to find their files where they are here.
      recipe: makes the examples of a photograph.
      survey: which of them are used.
      split: a name in `cartoon_tfds.sources.splits.SPLITS`.
    """
    import apache_beam as beam  # here, since a build without Beam does not need it

    def read(source: Source) -> Iterator[tuple[Photo, int]]:
        for photo in survey.select([source], split):
            yield from ((photo, part) for part in range(recipe.num_parts(photo)))

    def draw(photo: Photo, part: int) -> list[Example]:
        with one_opencv_thread():
            return recipe.make(photo, part)

    return beam.Create(sources) | beam.FlatMap(read) | beam.Reshuffle() | beam.FlatMapTuple(draw)
