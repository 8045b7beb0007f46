"""How a training is asked to stop, and how two are kept out of one work directory."""

import contextlib
import fcntl
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path


class WorkdirInUseError(ValueError):
    """Another training writes to the same work directory."""


class StopRequest:
    """Turns SIGTERM and SIGINT into a flag that the loop reads between two steps.

    A second signal ends the process at once. Use as a context manager; the handlers that were
    there before come back at its end.

    Attributes:
      signal: the number of the signal that came, or None.
    """

    def __init__(self):
        self.signal: int | None = None
        self._previous = {}

    def __enter__(self) -> "StopRequest":
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: object) -> None:
        if self.signal is not None:
            os._exit(self.exit_code)
        self.signal = number
        # Written as it is: a handler may have interrupted the logging or the progress bar.
        os.write(2, b"\nStopping after this step and a checkpoint; a second signal ends at once.\n")

    @property
    def exit_code(self) -> int:
        """The shell's code for the signal: 143 for SIGTERM, 130 for SIGINT, 0 for none."""
        return 0 if self.signal is None else 128 + self.signal


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
