"""Trains the networks of a configuration.

    python -m pix2pix_flax.main --config=configs/default.py [--workdir=DIR] [--config.x=y]

The same command continues a run from its last checkpoint. Exit codes: 0 all steps are done, 1 an
error, 2 a wrong flag, 3 the hours of config.train.max_hours are over, 4 no checkpoint of the run is
whole, 130 and 143 stopped by Ctrl-C and by SIGTERM after a checkpoint. To watch runs:
tensorboard --logdir=runs.

With --dry_run it prints the sizes, memory and time of the training, and writes nothing.
The values of a configuration, with a comment for each, are in the files of configs/; base.py has
the values that all of them share. `--config=demo --help` lists the values of configs/demo.py.
"""

import logging
import sys
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from pix2pix_flax.cli import command
from pix2pix_flax.cli.huge_pages import use_huge_pages
from pix2pix_flax.cli.paths import PATH

REQUIRED = ("config",)
_CONFIG = config_flags.DEFINE_config_file(
    "config",
    None,
    "Configuration file; with ':smoke' after its name the run takes seconds, on the dataset sample "
    "unless --config.data.name is given.",
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
_DRY_RUN = flags.DEFINE_bool(
    "dry_run",
    False,
    "Print the sizes, the memory and the time of the training, from a few real steps; write "
    "nothing.",
)
_log = logging.getLogger("pix2pix_flax.main")  # this module may be __main__


def main(argv: list[str]) -> int:
    """Trains; returns the exit code."""
    del argv
    use_huge_pages()
    config = _CONFIG.value
    keep_named_dataset(flags.FLAGS["config"])
    let_flags_win(flags.FLAGS["config"])
    # Imported here, so that a wrong flag fails at once, before JAX takes seconds to load.
    from pix2pix_flax.train import make_plan, train
    from pix2pix_flax.train.hosts import joined

    if _VERIFY.value:
        _verify(config.data)
    workdir = Path(_WORKDIR.value or _default_workdir())
    if not _DRY_RUN.value:
        with joined(config.distributed):
            return train(config, workdir, fresh=_FRESH.value)
    _log.info("Compiling the step and measuring some, which takes minutes for large networks.")
    logging.getLogger("pix2pix_flax").setLevel(logging.WARNING)  # the plan says it all
    print(make_plan(config, workdir, fresh=_FRESH.value))
    return 0


def _verify(data) -> None:
    from pix2pix_flax.data.records import verify
    from pix2pix_flax.data.source import open_source

    for split in (data.train_split, data.validation_split):
        verify(
            open_source(data.name, split, data.data_dir),
            f"split {split!r} of {data.name}",
            num_threads=data.num_threads,
            max_damaged=data.max_damaged,
        )


def _name_and_variant(flag: flags.Flag) -> tuple[str, str]:
    """Returns the file of a configuration and the words after its colon."""
    path, _, words = config_flags.get_config_filename(flag).partition(":")
    return path, words


def _default_workdir() -> str:
    """Returns the folder of a configuration: runs/anime-smoke for configs/anime.py:smoke."""
    path, words = _name_and_variant(flags.FLAGS["config"])
    return f"runs/{'-'.join([Path(path).stem, *filter(None, words.split(','))])}"


def keep_named_dataset(flag: flags.Flag) -> None:
    """Makes a variant read a dataset that a flag names as the full configuration does.

    The variant `smoke` may take another dataset than its configuration. If a flag names a dataset,
    all other values of `config.data` that no flag sets become those of the configuration without
    `smoke`. If none does, a log line names both datasets.

    Args:
      flag: the parsed flag `--config`; its value is changed.
    """
    path, words = _name_and_variant(flag)
    if not words:
        return
    others = ",".join(word for word in words.split(",") if word != "smoke")
    data, own = flag.value.data, flag.parser.parse(f"{path}:{others}").data
    given = {key.partition("[")[0] for key in config_flags.get_override_values(flag)}
    if "data.name" in given:
        data.update({key: own[key] for key in own if f"data.{key}" not in given})
    elif data.name != own.name:
        message = "%s: trains on %s instead of %s; --config.data.name=%s trains on yours."
        _log.info(message, words, data.name, own.name, own.name)


def let_flags_win(flag: flags.Flag) -> None:
    """Drops the configuration's values in other units than the flags use.

    If a flag sets the length of the training in steps, the configuration's epochs do not count. If
    a flag sets how often work is due in one unit, the configuration's other units do not count.

    Args:
      flag: the parsed flag `--config`; its value is changed.
    """
    train, given = flag.value.train, config_flags.get_override_values(flag)
    every = sorted({name.rpartition("_")[0] for name in train if "_every_" in name})
    groups = [[f"{work}_{unit}" for unit in ("steps", "minutes", "epochs")] for work in every]
    for names in (["steps", "epochs"], *groups):
        named = [name for name in names if f"train.{name}" in given]
        # Epochs that are set replace the steps by themselves.
        others = [name for name in names if name not in (*named, "steps") and train.get(name)]
        for name in others if named else ():
            message = "--config.train.%s=%g replaces %s=%g of the configuration."
            _log.info(message, named[0], train[named[0]], name, train[name])
            train[name] = None if name == "epochs" else type(train[name])(0)


if __name__ == "__main__":
    command.run_module(sys.modules[__name__])
