"""Trains the networks of a configuration.

    python -m pix2pix_flax.main --config=configs/default.py [--workdir=DIR] [--config.x=y]

The same command continues a run from its last checkpoint. Exit codes: 0 all steps are done, 1 an
error, 2 a wrong flag, 3 the hours of config.train.max_hours are over, 4 no checkpoint of the run is
whole, 130 and 143 stopped by Ctrl-C and by SIGTERM after a checkpoint. To watch runs:
tensorboard --logdir=runs.

The values of a configuration, with a comment for each, are in the files of configs/; base.py has
the values that all of them share. `--config=demo --help` lists the values of configs/demo.py.
"""

import logging
import sys
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from pix2pix_flax.cli import command
from pix2pix_flax.cli.paths import PATH
from pix2pix_flax.data.records import verify
from pix2pix_flax.data.source import open_source
from pix2pix_flax.train import train

REQUIRED = ("config",)
_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Configuration file; with ':smoke' after its name the run takes seconds."
)
_WORKDIR = flags.DEFINE(
    PATH,
    "workdir",
    None,
    "Folder of the checkpoints and logs; by default runs/NAME of the configuration, such as "
    "runs/default or runs/anime-smoke.",
)
_FRESH = flags.DEFINE_bool(
    "fresh",
    False,
    "Begin anew: set the checkpoints in the folder aside, without deleting any. Later starts go on "
    "without this flag.",
)
_VERIFY = flags.DEFINE_bool(
    "verify", False, "Read every record of the dataset before the training, and name damaged ones."
)
_log = logging.getLogger("pix2pix_flax.main")  # this module may be __main__


def main(argv: list[str]) -> int:
    """Trains; returns the exit code."""
    del argv
    config = _CONFIG.value
    _let_steps_win(config)
    if _VERIFY.value:
        _verify(config.data)
    workdir = _WORKDIR.value or _default_workdir()
    return train(config, Path(workdir), fresh=_FRESH.value)


def _verify(data) -> None:
    for split in (data.train_split, data.validation_split):
        verify(
            open_source(data.name, split, data.data_dir),
            f"split {split!r} of {data.name}",
            num_threads=data.num_threads,
            max_damaged=data.max_damaged,
        )


def _default_workdir() -> str:
    """Returns the folder of a configuration: runs/anime-smoke for configs/anime.py:smoke."""
    path, _, words = config_flags.get_config_filename(flags.FLAGS["config"]).partition(":")
    return f"runs/{'-'.join([Path(path).stem, *filter(None, words.split(','))])}"


def _let_steps_win(config) -> None:
    """Drops the epochs of a configuration if a flag sets the steps, and none sets the epochs."""
    given = config_flags.get_override_values(flags.FLAGS["config"])
    if "train.steps" in given and "train.epochs" not in given and config.train.epochs is not None:
        message = "--config.train.steps=%d replaces the %g epochs of the configuration."
        _log.info(message, config.train.steps, config.train.epochs)
        config.train.epochs = None


if __name__ == "__main__":
    command.run_module(sys.modules[__name__])
