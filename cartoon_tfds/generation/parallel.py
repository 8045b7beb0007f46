"""An ordered map over threads, and a progress bar."""

import collections
import concurrent.futures
import contextlib
import ctypes
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import cv2
import tqdm

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # parameters of mallopt, from malloc.h

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def map_in_order(
    function: Callable[[_In], _Out], items: Iterable[_In], workers: int | None = None
) -> Iterator[_Out]:
    """Yields `function(item)` for each item, computed by threads, in the order of the items.

    At most four items per thread are read ahead. `Executor.map` would first read all items, which
    can be gigabytes for an archive.

    Args:
      function: called in several threads at once.
      items: the arguments, read in the calling thread.
      workers: number of threads; by default one for each core that this process may use.
    """
    workers = workers or _cores()
    keep_freed_memory()
    pending: collections.deque[concurrent.futures.Future[_Out]] = collections.deque()
    # Threads, not processes: OpenCV, NumPy and zlib release the interpreter's lock, and threads
    # also start from `python -c` and notebooks. OpenCV's threads would compete with these threads.
    with one_opencv_thread(), concurrent.futures.ThreadPoolExecutor(workers) as executor:
        try:
            for item in items:
                pending.append(executor.submit(function, item))
                if len(pending) >= 4 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:  # After an error, or if the caller stops: cancel the waiting calls.
            executor.shutdown(cancel_futures=True)


def _cores() -> int:
    # As in pix2pix_flax/inference/exported.py, which imports nothing of this project.
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def progress_bar(
    items: Iterable[_In],
    shown: bool,
    *,
    desc: str,
    unit: str,
    total: int | None = None,
    scale: float = 1,
) -> Iterator[_In]:
    """Yields the items, and displays their count, rate and remaining time on a terminal.

    Args:
      items: the items to count.
      shown: True to display the bar if stderr is a terminal.
      desc: name of the work.
      unit: name of one unit, in the singular.
      total: number of items, if known.
      scale: number of units per item.
    """
    all_units = None if total is None else round(total * scale)
    hidden = None if shown else True  # None: tqdm hides the bar if stderr is no terminal
    with tqdm.tqdm(desc=desc, unit=f" {unit}s", total=all_units, disable=hidden) as bar:
        for count, item in enumerate(items, start=1):
            yield item
            bar.update(round(count * scale) - bar.n)


def keep_freed_memory() -> None:
    """Tells glibc to keep the memory of freed large arrays for new arrays.

    By default glibc returns this memory to the system and requests new pages for each array. The
    first access to new pages takes a quarter of the time of stylising. The function has no effect
    on systems without glibc.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(_M_TRIM_THRESHOLD, 2**30)
        mallopt(_M_MMAP_THRESHOLD, 2**25)  # the largest value that glibc accepts


@contextlib.contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Limits OpenCV to the calling thread within the block, then restores its setting."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
