"""Two helper threads: one works ahead of the thread that computes, the other behind it.

FFmpeg and XLA release the interpreter's lock, so decoding, computing and encoding overlap. Each
thread is an executor with one worker that runs short jobs in order. Without a loop to stop or a
queue to drain, an error in any thread ends both.
"""

import collections
import concurrent.futures
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self, TypeVar

T = TypeVar("T")
_END = object()


class Stopwatch:
    """Adds up the time that one stage is busy.

    Attributes:
      seconds: wall-clock time so far.
    """

    def __init__(self):
        self.seconds = 0.0

    def __call__(self, function: Callable[..., T], *args: Any) -> T:
        """Calls a function, counts its time and returns its result."""
        started = time.perf_counter()
        try:
            return function(*args)
        finally:
            self.seconds += time.perf_counter() - started

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """Yields the items of an iterable, and counts the time that they take."""
        source = iter(items)
        while (item := self(next, source, _END)) is not _END:
            yield item


def read_ahead(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """Yields the items of an iterable, which runs in a thread, at most `depth` items ahead.

    An error in `items` is raised at its position in the sequence. Close this iterator
    (`contextlib.closing`) if the loop over it may be left early: closing waits for the thread.

    Args:
      items: used by the thread only, until this iterator ends or is closed.
      depth: number of items that may wait, at least 1.
    """
    source = iter(items)
    pool = concurrent.futures.ThreadPoolExecutor(1, "read-ahead")
    try:
        pending = collections.deque(pool.submit(next, source, _END) for _ in range(depth))
        while (item := pending.popleft().result()) is not _END:
            pending.append(pool.submit(next, source, _END))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)


class WriteBehind:
    """Context manager: a thread runs the submitted calls in order; at most `depth` of them wait.

    An error in a call is raised by a later `submit` or at the end of the context. The calls after
    it are not run.
    """

    def __init__(self, depth: int = 2):
        self._depth = depth
        self._failed = False
        self._pending: collections.deque[concurrent.futures.Future[None]] = collections.deque()
        self._pool = concurrent.futures.ThreadPoolExecutor(1, "write-behind")

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Queues one call; blocks while `depth` calls are waiting."""
        while len(self._pending) >= self._depth:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(self._run, function, args))

    def _run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if self._failed:
            return
        try:
            function(*args)
        except BaseException:
            self._failed = True
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            while self._pending and kind is None:
                self._pending.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)
