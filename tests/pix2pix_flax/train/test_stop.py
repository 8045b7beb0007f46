import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pix2pix_flax
from cartoon_tfds.files import InUseError, locked
from pix2pix_flax.train.stop import OUT_OF_TIME, StopRequest

ROOT = Path(pix2pix_flax.__file__).parents[1]

# Says that it runs, then does what the loop does: waits for the flag, saves, ends with the code.
LOOP = """
import sys, time
from pathlib import Path
from cartoon_tfds.files import locked
from pix2pix_flax.train.stop import StopRequest

with locked(Path(sys.argv[1])), StopRequest() as stop:
    print("running", flush=True)
    while stop.signal is None:
        time.sleep(0.01)
    print("saving", flush=True)
    time.sleep(float(sys.argv[2]))
    print("saved", flush=True)
sys.exit(stop.exit_code)
"""


@pytest.fixture
def loop(tmp_path):
    """Starts the loop in a process; its argument is how many seconds a save takes."""
    processes = []

    def start(seconds):
        process = subprocess.Popen(
            [sys.executable, "-c", LOOP, tmp_path, str(seconds)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        processes.append(process)
        assert process.stdout.readline() == "running\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGUSR1, 143)]
)
def test_signal_becomes_a_flag_and_an_exit_code(number, code):
    before = signal.getsignal(number)
    with StopRequest() as stop:
        assert (stop.signal, stop.is_due()) == (None, False)
        signal.raise_signal(number)
        assert (stop.signal, stop.is_due(), stop.exit_code) == (code - 128, True, code)
    assert signal.getsignal(number) is before


def test_handlers_come_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="of the loop"), StopRequest():
        raise RuntimeError("of the loop")
    assert signal.getsignal(signal.SIGTERM) is before


def test_first_signal_lets_the_save_end(loop):
    process = loop(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143


def test_sigterm_after_the_warning_of_a_scheduler_lets_the_save_end(loop):
    process = loop(0.5)
    process.send_signal(signal.SIGUSR1)
    assert process.stdout.readline() == "saving\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "saved\n"
    assert process.wait(30) == 143


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_at_once(loop, second):
    process = loop(1000)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "saving\n"
    process.send_signal(second)
    assert process.wait(30) == 143


def test_second_process_is_refused_and_the_first_goes_on(loop, tmp_path):
    process = loop(0)
    with pytest.raises(InUseError, match=rf"in use by process {process.pid} on \S+\."):
        locked(tmp_path).__enter__()
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    with locked(tmp_path):  # free again, although the file is still there
        pass


def test_lock_ends_with_a_killed_process(loop, tmp_path):
    process = loop(0)
    process.kill()
    process.wait(30)
    with locked(tmp_path), pytest.raises(InUseError, match=f"process {os.getpid()} on"):
        locked(tmp_path).__enter__()


def test_other_work_directories_are_free(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with locked(tmp_path / "a"), locked(tmp_path / "b"):
        pass


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.now = 1e6

    def __call__(self):
        return self.now


def test_two_steps_and_a_save_before_the_hours_are_over():
    clock = Clock()
    stop = StopRequest(1.0, clock)
    for work, seconds in (("step", 5), ("step", 3), ("save", 20), ("evaluation", 100)):
        with stop.timing(work):
            clock.now += seconds
    clock.now = 1e6 + 3600 - 30.5
    assert not stop.is_due()
    assert stop.is_due(before="evaluation")
    clock.now += 1
    assert stop.is_due()
    assert stop.exit_code == OUT_OF_TIME == 3


def test_without_hours_time_never_is_over():
    clock = Clock()
    stop = StopRequest(0.0, clock)
    clock.now += 1e9
    assert not stop.is_due(before="evaluation")
    assert not stop.has_limit
