"""Prints the speed of building a dataset on one core and on several, and the overhead.

    python -m benchmarks.build --photos=DIR --views_per_photo=4 --workers=2

Stylising is the time that `cartoonize` takes for all views on one core. The overhead is the rest of
a whole build on one core: reading and checking the photographs, cutting views, encoding, writing,
the manifest. All times are measured in turn, several times, and the shortest of each counts.
"""

import pathlib
import tempfile
import time
from collections.abc import Callable

import cv2
import tensorflow_datasets as tfds
from absl import app, flags, logging

from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import BuildOptions, CartoonConfig
from cartoon_tfds.generation.parallel import keep_freed_memory, one_opencv_thread
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.views import cut_view, draw_views
from cartoon_tfds.sources.base import Local
from cartoon_tfds.sources.folders import PictureFolder
from cartoon_tfds.styles import cartoonize

_PHOTOS = flags.DEFINE_string("photos", None, "Folder of photographs.", required=True)
_VIEWS = flags.DEFINE_integer("views_per_photo", 4, "Views of each photograph.", lower_bound=1)
_STYLE = flags.DEFINE_string("style", "ink", "Style of the cartoons.")
_WORKERS = flags.DEFINE_integer("workers", 2, "Threads to compare with one.", lower_bound=2)
_REPEATS = flags.DEFINE_integer(
    "repeats", 3, "Repetitions; the shortest time counts.", lower_bound=1
)


def seconds(function: Callable[[], object]) -> float:
    """Returns the duration of a call in seconds."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def read_views(source: PictureFolder, recipe: Cartoons) -> list:
    """Returns all views of all photographs, RGB uint8 `[H, W, 3]` each."""
    options = {"num_views": recipe.views_per_photo, "view_size": recipe.view_size}
    views = []
    for photo in source.photos():
        pixels = recipe.read(photo)
        drawn = draw_views(photo.sha256, *pixels.shape[:2], **options)
        views += [cut_view(pixels, view) for view in drawn]
    return views


def stylise(views: list, recipe: Cartoons) -> None:
    """Draws all views on one core."""
    with one_opencv_thread():
        for view in views:
            cartoonize(view, recipe.style, line_width=recipe.line_width)


def build_once(config: CartoonConfig, workers: int) -> None:
    """Builds the dataset in a new folder, which is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        build(config, pathlib.Path(folder), overwrite=False, options=BuildOptions(workers=workers))


def main(argv: list[str]) -> None:
    """Prints pairs per second on one core and on several, their ratio, and the overhead."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {argv[1:]}")
    keep_freed_memory()  # as in real builds
    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    source = PictureFolder(pathlib.Path(_PHOTOS.value), license="not stated")
    recipe = Cartoons(style=_STYLE.value, views_per_photo=_VIEWS.value)
    config = CartoonConfig(name="benchmark", origin=Local(source), recipe=recipe)
    views = read_views(source, recipe)
    tasks = {
        "stylising, 1 core": lambda: stylise(views, recipe),
        "build, 1 core": lambda: build_once(config, 1),
        f"build, {_WORKERS.value} cores": lambda: build_once(config, _WORKERS.value),
    }
    best = dict.fromkeys(tasks, float("inf"))
    for _ in range(_REPEATS.value):
        for name, task in tasks.items():
            best[name] = min(best[name], seconds(task))
    print(f"{len(views)} pairs, style {_STYLE.value}, OpenCV {cv2.__version__}")
    for name, shortest in best.items():
        print(f"{name:18}  {shortest:7.2f} s  {len(views) / shortest:6.1f} pairs/s")
    alone, one, many = best.values()
    print(f"{_WORKERS.value} cores against 1: {one / many:.2f}")
    print(f"overhead on 1 core: {100 * (one / alone - 1):.1f} %")


if __name__ == "__main__":
    app.run(main)
