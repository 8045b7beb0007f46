"""Keeps Orbax's threads quiet about a failed save, whose error `Checkpoints` raises.

Each thread that takes part in a save logs the error with its traceback, and so does asyncio for
each write that was cut off. On a full disk hundreds of lines would stand above the one that counts.
"""

import logging
import sys
from typing import Any

_CUT_OFF = "Event loop is closed"


def keep_quiet() -> None:
    """Drops the tracebacks of Orbax's threads for the rest of the process.

    They are the cause of the CheckpointError that the main thread raises, so `--debug` prints them.
    """
    for name in ("absl", "asyncio"):
        logging.getLogger(name).addFilter(_is_news)
    if not isinstance(sys.unraisablehook, _Hook):
        sys.unraisablehook = _Hook(sys.unraisablehook)


def _is_news(record: logging.LogRecord) -> bool:
    is_orbax = record.name == "asyncio" or "/orbax/" in record.pathname
    return not (is_orbax and record.exc_info)


class _Hook:
    """Passes on what cannot be raised, apart from writes whose event loop has ended."""

    def __init__(self, previous: Any):
        self._previous = previous

    def __call__(self, unraisable: Any) -> None:
        if str(unraisable.exc_value) != _CUT_OFF:
            self._previous(unraisable)
