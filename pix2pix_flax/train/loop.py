"""Trains: locks the work directory, and ends in the ways that a training can end."""

import contextlib
import functools
import logging
from pathlib import Path

from cartoon_tfds.files import locked
from pix2pix_flax import ranges
from pix2pix_flax.checkpoint.manager import set_run_aside
from pix2pix_flax.report.page import write_at_end
from pix2pix_flax.sharding import first_host_does, is_first_host
from pix2pix_flax.train.clip import write_clip
from pix2pix_flax.train.result import result
from pix2pix_flax.train.stop import StopRequest
from pix2pix_flax.train.trainer import Trainer

_log = logging.getLogger(__name__)


def train(config, workdir: Path, *, fresh: bool = False) -> int:
    """Trains until all steps are done, a signal comes or the hours are over.

    The same call resumes the training.

    Args:
      config: the configuration, as a file in configs/ makes it.
      workdir: the folder of checkpoints and logs.
      fresh: whether to set the checkpoints and previews in `workdir` aside and begin at step 0.

    Returns:
      The exit code of the process: 0, 128 + the signal's number, or `stop.OUT_OF_TIME`.

    Raises:
      UserError: with a message for the user.
    """
    ranges.check(config)
    workdir.mkdir(parents=True, exist_ok=True)
    # Two processes cannot lock one folder, and the hosts share it.
    lock = locked(workdir) if is_first_host() else contextlib.nullcontext()
    with lock, StopRequest(config.train.max_hours) as stop:
        if fresh:
            first_host_does(functools.partial(set_run_aside, workdir))
        trainer = Trainer(config, workdir)
        try:
            is_done = trainer.run(stop)
        finally:
            trainer.close()
        if is_done and is_first_host():
            write_clip(workdir)
            write_at_end(workdir)
            _log.info("%s", result(config, workdir, trainer.task.input_kind))
        return 0 if is_done else stop.exit_code
