"""Where a training's numbers and pictures go: TensorBoard, and a log that other tools can read."""

import json
import logging
from pathlib import Path

import numpy as np
from tensorboardX import SummaryWriter

_log = logging.getLogger(__name__)


class Writer:
    """Writes scalars and pictures for TensorBoard, and the scalars to `WORKDIR/log.jsonl`.

    A directory that cannot be written to costs a warning, never the training.

    Args:
      workdir: the run's directory; TensorBoard's files go to `tensorboard/` in it.
      step: what a resumed run continues from; TensorBoard hides what lies after it.
    """

    def __init__(self, workdir: Path, step: int):
        self._log = workdir / "log.jsonl"
        self._board = None
        try:
            self._board = SummaryWriter(
                str(workdir / "tensorboard"), purge_step=step + 1 if step else None
            )
        except OSError as error:
            self._give_up(error)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Writes one value for each name."""
        if self._board is None:
            return
        try:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)
            with open(self._log, "a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, **values}) + "\n")
        except OSError as error:
            self._give_up(error)

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Writes one picture, uint8 [H, W, C]."""
        if self._board is None:
            return
        try:
            self._board.add_image(name, image, step, dataformats="HWC")
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Writes what is still in memory."""
        if self._board is not None:
            self._board.close()

    def _give_up(self, error: OSError) -> None:
        _log.warning("No more logs are written, the training goes on: %s", error)
        self._board = None
