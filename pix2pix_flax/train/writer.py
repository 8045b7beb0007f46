"""Writes the scalars and images of a training: for TensorBoard, and as JSON lines."""

import contextlib
import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tensorboardX import summary
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import RecordWriter

_log = logging.getLogger(__name__)


class Writer:
    """Writes scalars and images for TensorBoard, and the scalars to `WORKDIR/log.jsonl`.

    If the directory cannot be written to, there is a warning and the training continues. This is
    why tensorboardX's SummaryWriter is not used: it writes from a thread, and if the thread fails,
    the training waits for it for ever.

    Args:
      workdir: the directory of the run; TensorBoard's files go to its folder `tensorboard/`.
      step: the step from which a resumed run continues; TensorBoard hides older events after it.
    """

    def __init__(self, workdir: Path, step: int):
        self._log, self._previews = workdir / "log.jsonl", workdir / "previews"
        self._events: RecordWriter | None = None
        folder = workdir / "tensorboard"
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{step}"
        with self._giving_up():
            folder.mkdir(exist_ok=True)
            self._events = RecordWriter(str(folder / name))
            self._add(file_version="brain.Event:2")
            if step:
                self._add(step=step + 1, session_log=SessionLog(status=SessionLog.START))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Writes one value for each name."""
        if self._events is None:
            return
        with self._giving_up():
            for name, value in values.items():
                self._add(step=step, summary=summary.scalar(name, value))
            with open(self._log, "a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, **values}) + "\n")
            self._events.flush()

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Writes one image, uint8 [H, W, C]."""
        if self._events is None:
            return
        with self._giving_up():
            self._add(step=step, summary=summary.image(name, image, dataformats="HWC"))
            self._events.flush()

    def preview(self, step: int, name: str, image: np.ndarray) -> None:
        """Writes one image, uint8 [H, W, 3], as `WORKDIR/previews/NAME-STEP.png`."""
        if self._events is None:
            return
        with self._giving_up():
            self._previews.mkdir(exist_ok=True)
            Image.fromarray(image).save(self._previews / f"{name}-{step:08d}.png")

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
