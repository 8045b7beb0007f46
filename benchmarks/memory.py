"""Compares the memory that `--dry_run` foresees with the memory that a training takes, on the CPU.

    python -m benchmarks.memory --configs=demo,lite,default --data_dir=DIR

Both are the most that a process had resident. Neither takes compiled programs from the cache,
because the compiler needs memory too. `--steps` has an evaluation and a checkpoint at its end.
"""

import os
import re
import subprocess
import sys
import tempfile

from absl import flags

from pix2pix_flax.cli import command

_CONFIGS = flags.DEFINE_list("configs", ["demo", "lite", "default"], "Names of configurations.")
_DATASET = flags.DEFINE_string("dataset", "cartoon_tfds/sample", "Name of the dataset.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the datasets.", required=True)
_STEPS = flags.DEFINE_integer("steps", 20, "Steps of the training.", lower_bound=1)
_UNITS = {"MB": 1e6, "GB": 1e9}


def run(config: str, *more: str) -> tuple[str, int]:
    """Trains a configuration; returns its printed lines, and the most bytes that were resident."""
    data = f"--config.data.name={_DATASET.value}", f"--config.data.data_dir={_DATA_DIR.value}"
    words = [sys.executable, "-m", "pix2pix_flax.main", f"--config={config}", *data, *more]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_COMPILATION_CACHE": "false"}
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(words, env=environment, text=True, **both)
    shown = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{shown}\n{' '.join(words)} has failed")
    return shown, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(argv: list[str]) -> None:
    """Prints a line for each configuration."""
    del argv
    for config in _CONFIGS.value:
        with tempfile.TemporaryDirectory() as folder:
            more = f"--workdir={folder}", f"--config.train.steps={_STEPS.value}"
            plan, _ = run(config, *more, "--dry_run")
            number, unit = re.search(r"memory of the process +([\d.]+) (MB|GB)", plan).groups()
            _, used = run(config, *more)
        foreseen = float(number) * _UNITS[unit]
        share = foreseen / used - 1
        print(f"{config}: foreseen {foreseen / 1e9:.2f} GB, taken {used / 1e9:.2f}, {share:+.0%}")


if __name__ == "__main__":
    command.run(main)
