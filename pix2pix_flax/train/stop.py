"""Early ends of a training: by a signal, or by time."""

import contextlib
import math
import os
import signal
import time
from collections.abc import Callable, Iterator

import jax

from pix2pix_flax.sharding import largest_of_hosts

OUT_OF_TIME = 3
"""The exit code of a training that has used up its hours; the same command resumes it."""

_EARLY_WARNING = signal.SIGUSR1  # schedulers such as SLURM can send it before a job's time is up


class StopRequest:
    """Tells the loop, between two steps, whether the training must end: by a signal, or by time.

    The signals are SIGTERM, SIGINT and SIGUSR1. A second SIGTERM or SIGINT ends the process at
    once. Use it as a context manager; at its end the previous handlers return.

    If the training has several hosts, all of them end when one of them must. So all hosts call
    `ask` and `is_due` at the same places.

    Args:
      max_hours: the time that the run may take from now on; 0: no limit.
      clock: returns seconds; monotonic.

    Attributes:
      signal: the number of the received signal, or None; for SIGUSR1 the number of SIGTERM.
      has_limit: whether the time is limited.
      seconds: the time since the start when `ask` was last called; equal on all hosts.
    """

    def __init__(self, max_hours: float = 0.0, clock: Callable[[], float] = time.monotonic):
        self.signal: int | None = None
        self.has_limit = max_hours > 0
        self._clock = clock
        self._start = clock()
        self._end = self._start + 3600 * max_hours if self.has_limit else math.inf
        self._longest: dict[str, float] = {}
        self._is_asked = False
        self._answer: int | None = None  # of all hosts
        self.seconds = 0.0
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

    def ask(self, *, has_failed: bool = False) -> bool:
        """Asks all hosts whether to end; the next `is_due` gives the answer.

        Called while the devices are idle, it takes 2.5 ms for two processes on two busy cores. Once
        a step is dispatched, the question would wait for the end of the step.

        Args:
          has_failed: whether this host cannot go on.

        Returns:
          Whether a host cannot go on.
        """
        mine = (self._code(), has_failed, self._clock() - self._start)
        code, failed, self.seconds = largest_of_hosts(mine)
        if jax.process_count() > 1:  # a single host asks itself again after the step
            self._answer = int(code)
        return bool(failed)

    def is_due(self, *, before: str = "") -> bool:
        """Returns whether to end now: after a signal, or when too little time is left.

        The time must suffice for two steps, one save and the work `before` which this is asked,
        each as long as the longest so far.
        """
        code, self._answer = self._answer, None
        if before or code is None:
            code = int(*largest_of_hosts([self._code(before)]))
        if code > OUT_OF_TIME:  # perhaps the signal of another host
            self.signal = code - 128
        return code > 0

    def _code(self, before: str = "") -> int:
        """Returns the exit code with which this host must end now, or 0."""
        reserve = 2 * self._longest.get("step", 0.0)
        reserve += sum(self._longest.get(work, 0.0) for work in ("save", before))
        is_over = self.signal is not None or self._clock() + reserve >= self._end
        return self.exit_code if is_over else 0

    @property
    def reason(self) -> str:
        """The cause of an early end, for a message."""
        return f"by signal {self.signal}" if self.signal else "as config.train.max_hours are over"

    @property
    def exit_code(self) -> int:
        """The exit code of an early end: 128 + the signal, as in a shell, else `OUT_OF_TIME`."""
        return OUT_OF_TIME if self.signal is None else 128 + self.signal
