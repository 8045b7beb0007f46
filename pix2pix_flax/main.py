"""Trains what a configuration says.

    python -m pix2pix_flax.main --config=configs/default.py --workdir=DIR [--config.x=y]

The same command goes on where the last one ended. TensorBoard: tensorboard --logdir=DIR
"""

import logging
import sys
from pathlib import Path

import absl.logging
from absl import flags
from ml_collections import config_flags
from tqdm import tqdm

from pix2pix_flax import command_line
from pix2pix_flax.train import train

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "What to train: a file of configs/; ':smoke' behind it shrinks it to seconds."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Where checkpoints and logs go, and come from.")


class _AboveProgressBar(logging.Handler):
    """Prints records without breaking the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


def _log_to_terminal() -> None:
    """Shows the project's own log; of the libraries only warnings."""
    absl.logging.set_verbosity(absl.logging.WARNING)
    handler = _AboveProgressBar()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("pix2pix_flax")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def main(argv: list[str]) -> int:
    """Trains; returns the exit code."""
    del argv
    _log_to_terminal()
    return train(_CONFIG.value, Path(_WORKDIR.value).expanduser())


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    command_line.run(main)
