"""Trains the networks of a configuration.

    python -m pix2pix_flax.main --config=configs/default.py --workdir=DIR [--config.x=y]

The same command continues a run from its last checkpoint. TensorBoard: tensorboard --logdir=DIR
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from pix2pix_flax.cli import command
from pix2pix_flax.train import train

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Configuration file; with ':smoke' after its name the run takes seconds."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the checkpoints and logs.")


def main(argv: list[str]) -> int:
    """Trains; returns the exit code."""
    del argv
    return train(_CONFIG.value, Path(_WORKDIR.value).expanduser())


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    command.run(main)
