"""Writes the scalars, images and settings of a training: for TensorBoard, and as JSON lines."""

import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import ml_collections
import numpy as np
from tensorboardX import summary
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import RecordWriter

from pix2pix_flax.report.description import as_table, main_values
from pix2pix_flax.report.previews import write_preview
from pix2pix_flax.report.scalars import read_scalars
from pix2pix_flax.train.schedule import Epochs

_log = logging.getLogger(__name__)

_EVENTS = "events.out.tfevents"


class Writer:
    """Writes scalars and images for TensorBoard, and the scalars to `WORKDIR/log.jsonl`.

    If the directory cannot be written to, there is a warning and the training continues. This is
    why tensorboardX's SummaryWriter is not used: it writes from a thread, and if the thread fails,
    the training waits for it for ever.

    Args:
      workdir: the directory of the run. TensorBoard's files lie directly in it: `tensorboard
        --logdir=PARENT` calls a run by its folder below PARENT.
      step: the step from which a resumed run continues; TensorBoard hides older events after it.
      epochs: the epochs of the training.
      is_first: whether this is the first host of the training; the others write nothing.
      unlogged: lines that an earlier process could not write; they are written first.

    Attributes:
      unlogged: the lines that could not be written. Checkpoints hold them, because a full disk may
        end the log and spare the checkpoints.
    """

    def __init__(
        self,
        workdir: Path,
        step: int,
        epochs: Epochs,
        *,
        is_first: bool = True,
        unlogged: Sequence[dict[str, float]] = (),
    ):
        self._log, self._previews = workdir / "log.jsonl", workdir / "previews"
        self._step, self.epochs, self._last = step, epochs, -1
        self._is_first, self.unlogged = is_first, list(unlogged)
        self._events: RecordWriter | None = None
        if not is_first:
            return
        name = f"{_EVENTS}.{int(time.time())}.{socket.gethostname()}.{step}"
        with self._giving_up():
            # Runs of older versions go on as one run.
            for older in sorted((workdir / "tensorboard").glob(f"{_EVENTS}*")):
                older.rename(workdir / older.name)
            self._events = RecordWriter(str(workdir / name))
            self._add(file_version="brain.Event:2")
            if self.unlogged:
                self._write_lines()
            if step:
                self._add(step=step + 1, session_log=SessionLog(status=SessionLog.START))

    def describe(self, config: ml_collections.ConfigDict) -> None:
        """Writes the configuration as text, and its main values for the page HPARAMS."""
        if self._events is None:
            return
        names = [f"{group}/{config.train.best_metric}" for group in ("best", "validation")]
        # Without the mark of a finished session, which is the third: the run has only begun.
        start = summary.hparams(main_values(config), dict.fromkeys(names))[:2]
        with self._giving_up():
            for part in (summary.text("config", as_table(config)), *start):
                self._add(step=self._step, summary=part)
            self._events.flush()

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Writes one value for each name, and `epoch`."""
        if not self._is_first:
            return
        self.unlogged.append({"step": step, "epoch": round(self.epochs.at(step), 4), **values})
        if self._events is not None:
            with self._giving_up():
                self._write_lines()
                self._events.flush()

    def _write_lines(self) -> None:
        """Writes the lines that are not written yet."""
        for line in self.unlogged:
            step, is_new, self._last = line["step"], line["step"] != self._last, line["step"]
            for name, value in line.items():
                if name != "step" and (is_new or name != "epoch"):
                    self._add(step=step, summary=summary.scalar(name, value))
        text = "".join(json.dumps(line) + "\n" for line in self.unlogged)
        with open(self._log, "a+b") as file:
            # A process that was killed, or a full disk, may have cut the last line off.
            if file.tell() and not _ends_with_newline(file):
                text = f"\n{text}"
            file.write(text.encode())
        self.unlogged.clear()

    def has_scores(self, step: int) -> bool:
        """Returns whether the log has a score of the validation at a step."""
        known = read_scalars(self._log.parent)
        return any(step in one.steps for one in known if one.name.startswith("validation/"))

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Writes one image, uint8 [H, W, C]."""
        if self._events is None:
            return
        with self._giving_up():
            self._add(step=step, summary=summary.image(name, image, dataformats="HWC"))
            self._events.flush()

    def preview(
        self, step: int, name: str, rows: list[np.ndarray], captions: Sequence[str]
    ) -> None:
        """Writes a panel of images as `WORKDIR/previews/NAME-STEP.png`.

        At the end of an epoch, 5 for example, the file is `NAME-STEP-epoch005.png`. So the names
        depend on the step alone, and sort by it. The file holds the places of the images too, from
        which the report of the run cuts them; see `report.previews`.

        Args:
          step: the step of the training.
          name: the beginning of the file's name.
          rows: images uint8 [h, w, 3], each as `sheet.beside` makes it.
          captions: names of the columns.
        """
        if self._events is None:
            return
        epoch = self.epochs.ended(step)
        end = f"-epoch{epoch:03.0f}" if epoch else ""
        with self._giving_up():
            self._previews.mkdir(exist_ok=True)
            write_preview(self._previews / f"{name}-{step:08d}{end}.png", rows, captions)

    def close(self) -> None:
        """Writes the events that are still in memory."""
        events, self._events = self._events, None
        if events is not None:
            with self._giving_up():
                events.close()

    def _add(self, **fields: Any) -> None:
        event = Event(wall_time=time.time(), **fields)
        self._events.write(event.SerializeToString())

    @contextlib.contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Turns the first error in writing into a warning, and stops writing."""
        try:
            yield
        except OSError as error:
            _log.warning("No more logs are written, the training continues: %s", error)
            events, self._events = self._events, None
            if events is not None:
                with contextlib.suppress(OSError):  # the events in memory cannot be written either
                    events.close()


def _ends_with_newline(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
