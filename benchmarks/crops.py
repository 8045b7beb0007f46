"""Times the crops that a training reads from large pictures, for each value of `config.data.cache`.

    python -m benchmarks.crops --count=12 --size=2040x1356 --crop=96

It makes PNG pictures of this size and builds a dataset of them, as of DIV2K. The places take turns
in one run, so their ratio is true on a busy machine too. The first turn of each decodes the
pictures and is not counted. Threads read 16 batches ahead; a turn ends when they rest.
"""

import os
import tempfile
import time
from pathlib import Path

import cv2
import grain
import jax
import numpy as np
from absl import flags

from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import BuildOptions, CartoonConfig
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.base import Local
from cartoon_tfds.sources.folders import PictureFolder
from configs import srresnet
from pix2pix_flax.cache import CACHE_VARIABLE
from pix2pix_flax.cli import command
from pix2pix_flax.sharding import make_mesh
from pix2pix_flax.train.batches import Put, make_batches

_COUNT = flags.DEFINE_integer("count", 12, "Pictures of the dataset.", lower_bound=4)
_SIZE = flags.DEFINE_string("size", "2040x1356", "Size of the pictures, width x height.")
_CROP = flags.DEFINE_integer("crop", 96, "Side of the crops in pixels.", lower_bound=8)
_TURNS = flags.DEFINE_integer("turns", 3, "Turns for each place.", lower_bound=1)
_BATCHES = flags.DEFINE_integer("batches", 64, "Batches of 4 crops in a turn.", lower_bound=1)
_PAUSE = 0.5  # seconds
_PLACES = ("none", "host", "disk", "device")


def build_pictures(folder: Path) -> None:
    """Builds `cartoon_tfds/large`: blurred noise, whose PNG files compress as photographs do."""
    width, height = map(int, _SIZE.value.split("x"))
    (folder / "photos" / "train").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(_COUNT.value):
        noise = rng.integers(256, size=(height, width, 3), dtype=np.uint8)
        picture = cv2.GaussianBlur(noise, (0, 0), 1)
        cv2.imwrite(str(folder / "photos" / "train" / f"{number}.png"), picture)
    source = Local(PictureFolder(folder / "photos", "CC0"))
    config = CartoonConfig(name="large", description="", origin=source, recipe=Pictures())
    build(config, folder, overwrite=False, options=BuildOptions())


def timed(iterator: grain.DatasetIterator, put: Put) -> tuple[float, float]:
    """Returns the seconds and the CPU seconds that the batches of a turn take."""
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(_BATCHES.value):
        jax.block_until_ready(put(next(iterator)))
    end, busy = time.perf_counter(), time.process_time()
    time.sleep(_PAUSE)
    while time.process_time() - busy > 0.1 * _PAUSE:  # threads still read ahead
        end, busy = time.perf_counter(), time.process_time()
        time.sleep(_PAUSE)
    return end - start, busy - cpu


def main(argv: list[str]) -> None:
    """Prints the crops per second of each place in each turn."""
    del argv
    jax.config.update("jax_platforms", "cpu")
    with tempfile.TemporaryDirectory() as name:
        os.environ[CACHE_VARIABLE] = f"{name}/cache"
        build_pictures(Path(name))
        config = srresnet.get_config()
        config.unlock()
        config.data.update(name="cartoon_tfds/large", data_dir=name, features=("image",))
        config.sizes.canvas, config.train.batch_size = _CROP.value, 4
        mesh = make_mesh(4)
        feeds = {}
        for place in _PLACES:
            config.data.cache = place
            feeds[place] = make_batches(config, mesh)
            timed(*feeds[place])
        for turn in range(_TURNS.value):
            for place, feed in feeds.items():
                wall, cpu = (seconds / _BATCHES.value / 4 for seconds in timed(*feed))
                text = f"{1 / wall:.1f} crops/s, {1e3 * cpu:.2f} ms of CPU a crop"
                print(f"turn {turn}, {place}: {text}", flush=True)


if __name__ == "__main__":
    command.run(main)
