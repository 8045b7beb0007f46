"""The work whose growth `benchmarks.growth` measures, in sizes."""

import contextlib
import functools
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import jax
import numpy as np
import tensorflow_datasets as tfds
from absl import logging
from array_record.python import array_record_module

from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import BuildOptions, CartoonConfig
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.base import Local
from cartoon_tfds.sources.folders import PictureFolder
from configs import default
from pix2pix_flax.data.order import order_fingerprint
from pix2pix_flax.data.pipeline import different_places, make_train_iterator
from pix2pix_flax.inference.sampler import write_video
from pix2pix_flax.inference.video import VideoOptions, translate_video
from pix2pix_flax.tasks.factory import make_task

_SHARD = 10_000  # records in a file
_FILE = "cartoon_tfds-train.array_record-{:05}-of-{:05}"
_PHOTO = 32  # pixels
_FRAME = 64  # pixels
_FEW = 16


def _build(folder: Path, config: CartoonConfig) -> Path:
    tfds.disable_progress_bar()
    logging.set_verbosity(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):
        return Path(build(config, folder, overwrite=False, options=BuildOptions()).data_path)


def photographs(size: int, folder: Path) -> Callable[[], object]:
    """Makes random photographs of 32x32 pixels; the work builds a dataset of them."""
    tasks = []
    for count in (_FEW, size):
        photos = folder / f"{count}-photos"
        photos.mkdir()
        rng = np.random.default_rng(count)
        for number in range(count):
            picture = rng.integers(0, 256, (_PHOTO, _PHOTO, 3), np.uint8)
            cv2.imwrite(str(photos / f"{number:06}.png"), picture)
        origin = Local(PictureFolder(photos, license="none"))
        config = CartoonConfig(name=f"growth-{count}", origin=origin, recipe=Pictures())
        tasks.append(functools.partial(_build, folder / "data", config))
    tasks[0]()  # imports, and starts threads
    return tasks[1]


def records(size: int, folder: Path) -> Callable[[], object]:
    """Makes a dataset; the work is all that a training reads of it before its first step."""
    recipe = Cartoons(views_per_photo=1, view_size=_PHOTO)
    built = _build(folder, CartoonConfig(name="growth", recipe=recipe))
    _start(folder)
    _repeat(built, size)
    return functools.partial(_start, folder)


def _repeat(folder: Path, count: int) -> None:
    """Replaces the training split of a dataset by `count` copies of its records in turn."""
    reader = array_record_module.ArrayRecordReader(str(folder / _FILE.format(0, 1)))
    few = reader.read_all()
    reader.close()
    (folder / _FILE.format(0, 1)).unlink()
    lengths = [min(_SHARD, count - start) for start in range(0, count, _SHARD)]
    for number, length in enumerate(lengths):
        path = folder / _FILE.format(number, len(lengths))
        writer = array_record_module.ArrayRecordWriter(str(path), "group_size:1,uncompressed")
        for place in range(length):
            writer.write(few[place % len(few)])
        writer.close()
    info = json.loads((folder / "dataset_info.json").read_text())
    info["splits"][0]["shardLengths"] = [str(length) for length in lengths]
    (folder / "dataset_info.json").write_text(json.dumps(info))


def _config(side: int, folder: Path | None = None) -> Any:
    config = default.get_config("smoke")
    with config.unlocked():
        config.data.name, config.data.data_dir = "cartoon_tfds/growth", folder and str(folder)
        config.sizes.canvas = config.sizes.crop = side
    return config


def _start(folder: Path) -> None:
    config = _config(_PHOTO, folder)
    iterator = make_train_iterator(config, batch_size=4, seed=0)
    order_fingerprint(config, batch_size=4, seed=0)
    different_places(config, "train", 4)
    next(iterator)


def frames(size: int, folder: Path) -> Callable[[], object]:
    """Makes a clip of 64x64 pixels; the work inverts it from file to file."""
    for count in (_FEW, size):
        pictures = (np.full((_FRAME, _FRAME, 3), n % 256, np.uint8) for n in range(count))
        write_video(pictures, folder / f"{count}.mp4", 25)
    options = VideoOptions(progress=False)
    tasks = [
        functools.partial(translate_video, np.invert, folder / f"{count}.mp4", output, options)
        for count, output in ((_FEW, folder / "few.mp4"), (size, folder / "all.mp4"))
    ]
    tasks[0]()
    return tasks[1]


def _step(side: int, batch_size: int) -> tuple[Callable[[], object], int]:
    """Returns a training step of the smallest network, and the bytes that XLA reserves for it."""
    task = make_task(_config(side), 100)
    images = np.random.default_rng(0).integers(0, 256, (batch_size, side, side, 3), np.uint8)
    batch = {"input": images, "target": images}
    state = jax.jit(task.init)(jax.random.key(0), batch, {})
    step = jax.jit(task.train_step).lower(state, batch, {}).compile()
    work = lambda: jax.block_until_ready(step(state, batch, {}))  # noqa: E731
    work()
    return work, step.memory_analysis().temp_size_in_bytes


def side(size: int, folder: Path) -> tuple[Callable[[], object], int]:
    """Compiles a training step of four images of size x size pixels, which is the work."""
    del folder
    return _step(size, 4)


def batch(size: int, folder: Path) -> tuple[Callable[[], object], int]:
    """Compiles a training step of images of 32x32 pixels, which is the work."""
    del folder
    return _step(32, size)


SUBJECTS = {
    "records": (records, (1_000, 10_000, 100_000)),
    "photographs": (photographs, (1_000, 10_000, 100_000)),
    "side": (side, (32, 64, 128, 256)),
    "batch": (batch, (1, 4, 16, 64)),
    "frames": (frames, (250, 1_000, 4_000)),
}
"""For each kind: `prepare(size, folder)` and the sizes. `prepare` returns the work, after it has
done it once in small; for a training step also its memory in bytes."""
