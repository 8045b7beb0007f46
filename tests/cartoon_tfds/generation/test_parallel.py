"""Work in threads: in order, no more than needed, and OpenCV within one thread each."""

import itertools
import os
import threading
import time

import cv2
import pytest

from cartoon_tfds.generation.parallel import map_in_order, one_opencv_thread, progress_bar


def _slow_first(number):
    time.sleep(0.03 if number % 4 == 0 else 0)
    return number * number


@pytest.mark.parametrize("workers", [1, 2, 9, None])
def test_results_come_in_the_order_of_the_items(workers):
    assert list(map_in_order(_slow_first, range(20), workers)) == [n * n for n in range(20)]
    assert list(map_in_order(_slow_first, [], workers)) == []


def test_there_are_no_more_threads_than_cores_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3}, raising=False)
    names = set(map_in_order(lambda _: threading.current_thread().name, range(20)))
    assert len(names) == 1


def test_as_many_threads_work_at_once_as_there_are_workers():
    barrier = threading.Barrier(3, timeout=10)  # fewer threads would break it
    names = set(map_in_order(
        lambda _: (barrier.wait(), threading.current_thread().name)[1], range(3), 3))  # fmt: skip
    assert len(names) == 3


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_items_are_taken_as_they_are_needed(workers):
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(threading.current_thread())
            yield number

    running = map_in_order(_slow_first, endless(), workers)
    assert not taken
    for count in range(1, 21):
        next(running)
        assert len(taken) < count + 4 * workers
    running.close()
    assert set(taken) == {threading.main_thread()}


@pytest.fixture
def two_opencv_threads():
    """Sets OpenCV to two threads for a test."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("two_opencv_threads")
def test_opencv_works_in_the_calling_thread_only_and_is_restored():
    inside = list(map_in_order(lambda _: cv2.getNumThreads(), range(5), 2))
    assert inside == [1] * 5
    assert cv2.getNumThreads() == 2
    running = map_in_order(_slow_first, range(100), 2)
    next(running)
    assert cv2.getNumThreads() == 1
    running.close()
    assert cv2.getNumThreads() == 2
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(lambda number: 1 / number, [1, 0], 2))
    assert cv2.getNumThreads() == 2
    with one_opencv_thread():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == 2


def test_first_error_in_order_is_raised():
    results = []

    def work(number):
        time.sleep(0.03 if number == 6 else 0)
        if number in (6, 7):
            raise ValueError(f"number {number}")
        return number

    with pytest.raises(ValueError, match="number 6"):
        results.extend(map_in_order(work, itertools.count(), 2))
    assert results == list(range(6))


def test_what_has_not_begun_is_dropped_after_an_error():
    begun = []

    def work(number):
        begun.append(number)
        if number == 0:
            raise ValueError
        time.sleep(0.2)

    with pytest.raises(ValueError):  # noqa: PT011 (it has no message)
        list(map_in_order(work, range(100), 1))
    assert begun in ([0], [0, 1])


def test_error_of_the_items_is_raised():
    def items():
        yield 1
        raise OSError("archive damaged")

    with pytest.raises(OSError, match="archive damaged"):
        list(map_in_order(_slow_first, items(), 2))


@pytest.mark.parametrize("shown", [True, False])
def test_progress_bar_yields_everything_and_writes_only_to_terminals(capsys, shown):
    bar = progress_bar(iter(range(5)), shown, desc="drawing", unit="image", total=5, scale=8)
    assert list(bar) == list(range(5))
    assert capsys.readouterr() == ("", "")


def test_progress_bar_counts_units(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    list(progress_bar(range(5), True, desc="drawing", unit="image", total=5, scale=8))
    shown = capsys.readouterr().err
    assert "drawing" in shown
    assert "40/40" in shown
    assert "images" in shown
