"""Work on all cores, in order, with a progress bar."""

import collections
import concurrent.futures
import contextlib
import ctypes
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import cv2
import tqdm

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def map_in_order(
    function: Callable[[_In], _Out], items: Iterable[_In], workers: int | None = None
) -> Iterator[_Out]:
    """Yields `function(item)` of all items, in their order, computed by threads.

    Unlike `Executor.map` it takes no more items than the threads need: archives are large.

    Args:
      function: called in many threads at once.
      items: iterated in the calling thread.
      workers: threads; by default one for each core.
    """
    workers = workers or os.cpu_count() or 1
    keep_freed_memory()
    pending: collections.deque[concurrent.futures.Future[_Out]] = collections.deque()
    # Threads, not processes: OpenCV, NumPy and zlib work without the interpreter's lock, and
    # threads start under any command line. OpenCV's own threads would only compete with them.
    with one_opencv_thread(), concurrent.futures.ThreadPoolExecutor(workers) as executor:
        try:
            for item in items:
                pending.append(executor.submit(function, item))
                if len(pending) >= 4 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:  # After an error, or when the caller stops: drop the calls that have not begun.
            executor.shutdown(cancel_futures=True)


def progress_bar(
    items: Iterable[_In],
    shown: bool,
    *,
    desc: str,
    unit: str,
    total: int | None = None,
    scale: float = 1,
) -> Iterator[_In]:
    """Yields the items, counted on a terminal with their rate and the time left.

    Args:
      items: the items to count.
      shown: whether the bar is shown; it never is without a terminal.
      desc: name of the work.
      unit: name of one item.
      total: how many items there are, if that is known.
      scale: how many units an item is.
    """
    all_units = None if total is None else round(total * scale)
    hidden = None if shown else True  # None asks whether there is a terminal
    with tqdm.tqdm(desc=desc, unit=f" {unit}s", total=all_units, disable=hidden) as bar:
        for count, item in enumerate(items, start=1):
            yield item
            bar.update(round(count * scale) - bar.n)


def keep_freed_memory() -> None:
    """Tells the C library to keep the memory of large arrays that are freed, for the next ones.

    By default glibc gives it back and asks for new pages each time, whose first touch takes a
    quarter of the time of stylising. Other C libraries are left as they are.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(_M_TRIM_THRESHOLD, 2**30)
        mallopt(_M_MMAP_THRESHOLD, 2**25)  # more is refused


@contextlib.contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Makes OpenCV work in the calling thread only, and restores its setting."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
