"""Times the first and the second start of a drawing and of a training; the cache is empty at first.

    python -m benchmarks.start --data_dir=DIR

A drawing is the whole command for one picture of 256x256. A training ends after its first step.
Both are on the CPU, in processes of their own, from their start on.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from absl import flags

from cartoon_tfds.images import write_png
from pix2pix_flax.cache import CACHE_VARIABLE
from pix2pix_flax.cli import command

_CONFIG = flags.DEFINE_string("config", "demo", "Name of the configuration of the training.")
_DATASET = flags.DEFINE_string("dataset", "cartoon_tfds/sample", "Name of the dataset.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the datasets.", required=True)

_DRAW = "from pix2pix_flax.cli.console import main; main()"
_TRAIN = """
import importlib, sys
from pathlib import Path
from pix2pix_flax.cache import keep_compiled_programs
keep_compiled_programs()
import jax
from pix2pix_flax.train import Trainer
name, dataset, data_dir, workdir = sys.argv[1:]
config = importlib.import_module(f"configs.{name}").get_config()
with config.unlocked():
    config.data.name, config.data.data_dir = dataset, data_dir
trainer = Trainer(config, Path(workdir))
batch = trainer.put(next(trainer.iterator))
jax.block_until_ready(trainer.train_step(trainer.state, batch, trainer.frozen))
trainer.close()
"""


def start(program: str, *words: str, cache: str) -> str:
    """Runs a program; returns its seconds, and those of the CPU, as text."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION")
    }
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        env=environment | {"JAX_PLATFORMS": "cpu", CACHE_VARIABLE: cache},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"a start with {' '.join(words)} has failed")
    seconds = time.perf_counter() - begun
    return f"{seconds:.2f} s, {used.ru_utime + used.ru_stime:.2f} s of CPU"


def main(argv: list[str]) -> None:
    """Prints a line for each start."""
    del argv
    with tempfile.TemporaryDirectory() as folder:
        picture = f"{folder}/a.png"
        write_png(
            Path(picture),
            np.random.default_rng(0).integers(256, size=(256, 256, 3), dtype=np.uint8),
        )
        draw = "cartoonize", picture, "--overwrite"
        data = _CONFIG.value, _DATASET.value, _DATA_DIR.value
        for number in ("first", "second"):
            for engine in ("auto", "jax"):
                text = start(_DRAW, *draw, f"--engine={engine}", cache=f"{folder}/{engine}")
                print(f"drawing, --engine={engine}, {number} start: {text}", flush=True)
            workdir = f"{folder}/{number}"
            text = start(_TRAIN, *data, workdir, cache=f"{folder}/cache")
            print(f"training, first step, {number} start: {text}", flush=True)


if __name__ == "__main__":
    command.run(main)
