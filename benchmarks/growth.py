"""How time and memory grow with the records, the side of an image, the batch and a clip's frames.

    python -m benchmarks.growth --plot=docs/growth.png

Each row is a process of its own. Its time is that of the second call, since the first one compiles
or imports; its memory is what the process needs more than before the first. `--records=1000
--records=5000` and so on take other sizes.

records: what a training reads before its first step. side, batch: a training step of the smallest
network. frames: the clip at the end of a training.
"""

import concurrent.futures
import json
import multiprocessing
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np
from absl import app, flags
from array_record.python import array_record_module
from PIL import Image

from configs import default
from pix2pix_flax.data.pipeline import different_places, make_train_iterator, order_fingerprint
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.train.clip import write_clip

_RECORDS = flags.DEFINE_multi_integer("records", [1_000, 10_000, 100_000], "Records of a split.")
_SIDES = flags.DEFINE_multi_integer("sides", [32, 64, 128], "Sides of images, pixels.")
_BATCHES = flags.DEFINE_multi_integer("batches", [1, 4, 16], "Examples in a step of 32 pixels.")
_FRAMES = flags.DEFINE_multi_integer("frames", [15, 60, 240], "Previews of a clip.")
_PLOT = flags.DEFINE_string("plot", None, "PNG or SVG file of the plot.")

_SHARD = 10_000  # records in a file
_FOLDER = Path("cartoon_tfds/growth/2.0.0")
_FILE = "cartoon_tfds-train.array_record-{:05}-of-{:05}"


def make_dataset(root: Path, count: int) -> None:
    """Makes a dataset whose training split has `count` records: those of eight photographs."""
    build = ["-m", "cartoon_tfds", "--config=sample", "--name=growth", f"--data_dir={root}"]
    subprocess.run(
        [sys.executable, *build, "--views_per_photo=4", "--view_size=64"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    folder = root / _FOLDER
    reader = array_record_module.ArrayRecordReader(str(folder / _FILE.format(0, 1)))
    records = reader.read_all()
    reader.close()
    (folder / _FILE.format(0, 1)).unlink()
    lengths = [min(_SHARD, count - start) for start in range(0, count, _SHARD)]
    for number, length in enumerate(lengths):
        path = folder / _FILE.format(number, len(lengths))
        writer = array_record_module.ArrayRecordWriter(str(path), "group_size:1,uncompressed")
        for place in range(length):
            writer.write(records[place % len(records)])
        writer.close()
    info = json.loads((folder / "dataset_info.json").read_text())
    info["splits"][0]["shardLengths"] = [str(length) for length in lengths]
    (folder / "dataset_info.json").write_text(json.dumps(info))


def _config(root: Path | None = None):
    config = default.get_config("smoke")
    with config.unlocked():
        config.data.name, config.data.data_dir = "cartoon_tfds/growth", root and str(root)
    return config


def start(root: Path) -> None:
    """Reads what a training reads before its first step."""
    config = _config(root)
    iterator = make_train_iterator(config, batch_size=4, seed=0)
    order_fingerprint(config, batch_size=4, seed=0)
    different_places(config, "train", 4)
    next(iterator)


def make_step(side: int, batch_size: int) -> Callable[[], None]:
    """Makes a function that takes one training step of the smallest network and waits for it."""
    config = _config()
    with config.unlocked():
        config.sizes.canvas = config.sizes.crop = side
    task = make_task(config, 100)
    images = np.random.default_rng(0).integers(0, 256, (batch_size, side, side, 3), np.uint8)
    batch = {"input": images, "target": images}
    state = jax.jit(task.init)(jax.random.key(0), batch, {})
    step = jax.jit(task.train_step)
    return lambda: jax.block_until_ready(step(state, batch, {}))


def make_previews(root: Path, count: int) -> None:
    """Makes pictures of 256x768 pixels, which differ."""
    (root / "previews").mkdir()
    for number in range(count):
        picture = np.full((256, 768, 3), number % 256, np.uint8)
        Image.fromarray(picture).save(root / "previews" / f"panel-{number:08d}.png")


def measure(kind: str, size: int) -> tuple[float, float]:
    """Returns the seconds and the megabytes of one row."""
    root = Path(tempfile.mkdtemp(prefix="growth-"))
    if kind == "records":
        make_dataset(root, size)
        work = lambda: start(root)  # noqa: E731
    elif kind == "frames":
        make_previews(root, size)
        work = lambda: write_clip(root)  # noqa: E731
    else:
        work = make_step(size, 4) if kind == "side" else make_step(32, size)
    before = _peak()
    work()
    begin = time.perf_counter()
    work()
    seconds = time.perf_counter() - begin
    shutil.rmtree(root)
    return seconds, _peak() - before


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def plot(rows: dict[str, list[tuple[int, float, float]]], path: str) -> None:
    """Draws the seconds of each kind over its sizes."""
    figure, axes = plt.subplots(1, len(rows), figsize=(3 * len(rows), 3), layout="constrained")
    for axis, (kind, found) in zip(axes, rows.items(), strict=True):
        sizes = [size for size, _, _ in found]
        axis.loglog(sizes, [seconds for _, seconds, _ in found], "o-")
        axis.set(xlabel=kind)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("seconds")
    figure.savefig(path, dpi=100)


def main(argv: Sequence[str]) -> None:
    """Measures, prints the table and draws the plot."""
    del argv
    sizes = {
        "records": _RECORDS.value,
        "side": _SIDES.value,
        "batch": _BATCHES.value,
        "frames": _FRAMES.value,
    }
    rows = {kind: [] for kind in sizes}
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        1, mp_context=context, max_tasks_per_child=1
    ) as pool:
        for kind, values in sizes.items():
            for size in values:
                seconds, used = pool.submit(measure, kind, size).result()
                rows[kind].append((size, seconds, used))
                print(f"{kind:8}{size:>9,}{seconds:10.3f} s{used:8.0f} MB", flush=True)
    if _PLOT.value:
        plot(rows, _PLOT.value)


if __name__ == "__main__":
    app.run(main)
