"""The threads keep order, stay within bounds, and end whatever happens."""

import contextlib
import threading
import time

import pytest

from pix2pix_flax.inference.video.threads import Stopwatch, WriteBehind, read_ahead


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith(("read-", "write-"))]


def test_reading_ahead_keeps_order_and_bounds():
    produced = []

    def numbers():
        for i in range(20):
            produced.append(i)
            yield i

    for taken, i in enumerate(read_ahead(numbers(), depth=3)):
        assert i == taken
        assert len(produced) <= taken + 4
    assert produced == list(range(20))


def test_an_error_while_reading_comes_in_its_place():
    def broken():
        yield 1
        raise OSError("gone")

    ahead = read_ahead(broken())
    assert next(ahead) == 1
    with pytest.raises(OSError, match="gone"):
        next(ahead)


def test_reading_can_be_left_early():
    with contextlib.closing(read_ahead(iter(int, 1))) as zeros:
        assert next(zeros) == 0


def test_writing_behind_keeps_order_and_bounds():
    release, done = threading.Event(), []

    def slow(i):
        release.wait(5)
        done.append(i)

    with WriteBehind(depth=2) as behind:
        behind.submit(slow, 0)
        behind.submit(slow, 1)
        third = threading.Thread(target=behind.submit, args=(slow, 2))
        third.start()
        time.sleep(0.05)
        assert third.is_alive()  # It waits: two calls are queued.
        release.set()
        third.join()
    assert done == [0, 1, 2]


def fail():
    raise OSError("full")


def write(depth, *calls):
    with WriteBehind(depth) as behind:
        for call in calls:
            behind.submit(call)
        time.sleep(0.05)  # Time enough for a call that should not be made.


@pytest.mark.parametrize("depth", [1, 5])
def test_an_error_while_writing_is_raised_and_ends_it(depth):
    done = []
    with pytest.raises(OSError, match="full"):
        write(depth, fail, lambda: done.append(1))
    assert done == []


def test_an_error_in_the_body_is_the_one_raised():
    def body():
        with WriteBehind() as behind:
            behind.submit(fail)
            raise ValueError("body")

    with pytest.raises(ValueError, match="body"):
        body()


def test_a_stopwatch_adds_up_what_one_stage_takes():
    stopwatch = Stopwatch()
    assert stopwatch(lambda value: time.sleep(0.02) or value, 3) == 3
    with pytest.raises(OSError, match="full"):
        stopwatch(lambda: time.sleep(0.02) or fail())
    assert 0.04 <= stopwatch.seconds < 1

    def slow():
        for i in range(3):
            time.sleep(0.02)
            yield i

    before = stopwatch.seconds
    for i, item in enumerate(stopwatch.each(slow())):
        assert item == i
        time.sleep(0.2)  # The time between is another stage's.
    assert 0.06 <= stopwatch.seconds - before < 0.5
