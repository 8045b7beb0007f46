"""Early ends of a training: by a signal, or by time."""

import contextlib
import math
import os
import signal
import time
from collections.abc import Callable, Iterator

OUT_OF_TIME = 3
"""The exit code of a training that has used up its hours; the same command resumes it."""

_EARLY_WARNING = signal.SIGUSR1  # schedulers such as SLURM can send it before a job's time is up


class StopRequest:
    """Tells the loop, between two steps, whether the training must end: by a signal, or by time.

    The signals are SIGTERM, SIGINT and SIGUSR1. A second SIGTERM or SIGINT ends the process at
    once. Use it as a context manager; at its end the previous handlers return.

    Args:
      max_hours: the time that the run may take from now on; 0: no limit.
      clock: returns seconds; monotonic.

    Attributes:
      signal: the number of the received signal, or None; for SIGUSR1 the number of SIGTERM.
      has_limit: whether the time is limited.
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
            # Written without `logging`: the handler may have interrupted it or the progress bar.
            os.write(2, b"\nStopping after this step and a checkpoint; another signal ends it.\n")

    @contextlib.contextmanager
    def timing(self, work: str) -> Iterator[None]:
        """Measures a kind of work: `step`, `save`, or one that `is_due` is asked about."""
        start = self._clock()
        yield
        self._longest[work] = max(self._longest.get(work, 0.0), self._clock() - start)

    def is_due(self, *, before: str = "") -> bool:
        """Returns whether to end now: after a signal, or when too little time is left.

        The time must suffice for two steps, one save and the work `before` which this is asked,
        each as long as the longest so far.
        """
        reserve = 2 * self._longest.get("step", 0.0)
        reserve += sum(self._longest.get(work, 0.0) for work in ("save", before))
        return self.signal is not None or self._clock() + reserve >= self._end

    @property
    def reason(self) -> str:
        """The cause of an early end, for a message."""
        return f"by signal {self.signal}" if self.signal else "as config.train.max_hours are over"

    @property
    def exit_code(self) -> int:
        """The exit code of an early end: 128 + the signal, as in a shell, else `OUT_OF_TIME`."""
        return OUT_OF_TIME if self.signal is None else 128 + self.signal
