"""When a training ends before its steps are done; and how two are kept out of one directory."""

import contextlib
import fcntl
import math
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cartoon_tfds.errors import UserError

OUT_OF_TIME = 3
"""The exit code of a training that has used up its hours: the same command goes on."""

_EARLY_WARNING = signal.SIGUSR1  # what schedulers such as SLURM can send before a job's time is up


class WorkdirInUseError(UserError):
    """Another training writes to the same work directory."""


class StopRequest:
    """Tells the loop, between two steps, whether it has to end: by a signal, or by the clock.

    SIGTERM, SIGINT and SIGUSR1 are such signals. A second SIGTERM or SIGINT ends the process at
    once. Use as a context manager; the handlers that were there before come back at its end.

    Args:
      max_hours: what a run may take from here on; 0: any time.
      clock: in seconds; one that nobody sets.

    Attributes:
      signal: the number of the signal that came, or None; that of SIGTERM for SIGUSR1.
      has_limit: whether there is an end of time.
    """

    def __init__(self, max_hours: float = 0.0, clock: Callable[[], float] = time.monotonic):
        self.signal: int | None = None
        self.has_limit = max_hours > 0
        self._clock = clock
        self._end = clock() + 3600 * max_hours if self.has_limit else math.inf
        self._longest: dict[str, float] = {}
        self._is_asked = False
        self._previous = {}

    def __enter__(self) -> "StopRequest":
        for number in (signal.SIGTERM, signal.SIGINT, _EARLY_WARNING):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: object) -> None:
        if self._is_asked:
            os._exit(self.exit_code)
        # The signal that ends the job follows the warning, while the checkpoint is being saved.
        self._is_asked = number != _EARLY_WARNING
        if self.signal is None:
            self.signal = number if self._is_asked else signal.SIGTERM
            # Written as it is: a handler may have interrupted the logging or the progress bar.
            os.write(2, b"\nStopping after this step and a checkpoint; another signal ends it.\n")

    @contextlib.contextmanager
    def timing(self, work: str) -> Iterator[None]:
        """Remembers how long a kind of work takes: `step`, `save`, or one that `is_due` names."""
        start = self._clock()
        yield
        self._longest[work] = max(self._longest.get(work, 0.0), self._clock() - start)

    def is_due(self, *, before: str = "") -> bool:
        """Returns whether to end now.

        That is after a signal, or when what is left of the hours is less than two steps and one
        save, and the work `before` which this is asked, take: the longest of each so far.
        """
        reserve = 2 * self._longest.get("step", 0.0)
        reserve += sum(self._longest.get(work, 0.0) for work in ("save", before))
        return self.signal is not None or self._clock() + reserve >= self._end

    @property
    def exit_code(self) -> int:
        """Of a training that ended early: for the signal as in a shell, else `OUT_OF_TIME`."""
        return OUT_OF_TIME if self.signal is None else 128 + self.signal


@contextlib.contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """Holds the work directory for this process; the lock ends with the process, however it ends.

    Raises:
      WorkdirInUseError: naming the process that holds it.
    """
    with open(workdir / "lock", "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise WorkdirInUseError(f"{workdir} is in use by {holder}.") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield
