"""Photographs -> views -> PNG-encoded pairs, on all cores and always in the same order."""

import collections
import concurrent.futures
import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

import cv2
import numpy as np

from cartoon_tfds.images import encode_png, read_image
from cartoon_tfds.sources import Photo
from cartoon_tfds.styles import cartoonize
from cartoon_tfds.views import View, cut_view, draw_views

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Pair(NamedTuple):
    """One view of a photograph and its cartoon, as PNG files of the same height and width."""

    photo: Photo
    view_index: int
    photo_png: bytes
    cartoon_png: bytes


class _Job(NamedTuple):
    photo: Photo
    pixels: np.ndarray
    view_index: int
    view: View


def iter_pairs(
    photos: Iterable[Photo],
    *,
    views_per_photo: int,
    view_size: int,
    style: str,
    line_width: float,
    workers: int | None = None,
) -> Iterator[Pair]:
    """Yields all views of all photographs with their cartoons, in order.

    A view is resized first and stylised then, with one line width for all: the lines of every pair
    are equally wide, whatever part of a photograph it shows. Convolutional networks can learn that.

    Args:
      photos: what to cut views from.
      views_per_photo: see `draw_views`.
      view_size: short side of a view, in pixels.
      style: a name in `cartoon_tfds.styles.STYLES`.
      line_width: in pixels of a view.
      workers: threads that stylise; by default one for each core. The pairs do not depend on it.

    Raises:
      ImageError: naming the photograph that cannot be decoded.
    """

    def stylise(job: _Job) -> Pair:
        view = cut_view(job.pixels, job.view)
        cartoon = cartoonize(view, style, line_width=line_width)
        return Pair(job.photo, job.view_index, encode_png(view), encode_png(cartoon))

    jobs = _iter_jobs(photos, views_per_photo, view_size)
    # Threads, not processes: OpenCV, NumPy and zlib work without the interpreter's lock, and
    # threads start under any command line. OpenCV's own threads would only compete with them.
    with _one_opencv_thread():
        yield from _map_in_order(stylise, jobs, workers or os.cpu_count() or 1)


def _iter_jobs(photos: Iterable[Photo], views_per_photo: int, view_size: int) -> Iterator[_Job]:
    """Decodes each photograph once and yields its views."""
    for photo in photos:
        pixels = read_image(photo.data, photo.photo_id)
        height, width = pixels.shape[:2]
        views = draw_views(
            photo.sha256, height, width, num_views=views_per_photo, view_size=view_size
        )
        for index, view in enumerate(views):
            yield _Job(photo, pixels, index, view)


def _map_in_order(
    function: Callable[[_In], _Out], items: Iterable[_In], workers: int
) -> Iterator[_Out]:
    """Like `Executor.map`, but takes no more items than the workers need: archives are large."""
    pending: collections.deque[concurrent.futures.Future[_Out]] = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(workers) as executor:
        try:
            for item in items:
                pending.append(executor.submit(function, item))
                if len(pending) >= 4 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:  # After an error, or when the caller wants no more: drop what has not begun.
            executor.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _one_opencv_thread() -> Iterator[None]:
    """Makes OpenCV work in the calling thread only, and restores its setting."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
