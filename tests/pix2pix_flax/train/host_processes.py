"""Starts one training as several processes on the loopback."""

import contextlib
import os
import re
import subprocess
import sys
import time

import pix2pix_flax
from benchmarks.hosts import environments

ROOT = os.path.dirname(os.path.dirname(pix2pix_flax.__file__))


@contextlib.contextmanager
def started(workdir, data, *flags, count=2, config="tests/supervised.py:smoke"):
    """Starts the hosts of a training, with four devices together; kills them after the block.

    Yields the processes; `stderr(workdir, number)` is the output of one so far.
    """
    command = [
        *("-m", "pix2pix_flax.main", f"--config={config}"),
        *(f"--workdir={workdir}", "--config.distributed=True", f"--config.data.name={data.name}"),
        *(f"--config.data.data_dir={data.data_dir}", *flags),
    ]
    with running(workdir, command, count) as processes:
        yield processes


@contextlib.contextmanager
def running(workdir, command, count):
    """Starts `python COMMAND` as several hosts; as `started`, which does so with a training."""
    devices = re.sub(r"device_count=\d+", f"device_count={4 // count}", os.environ["XLA_FLAGS"])
    processes = []
    for number, environment in enumerate(environments(count)):
        environment |= {"XLA_FLAGS": devices, "PYTHONPATH": ROOT}
        with open(_output(workdir, number), "w") as output:
            processes.append(
                subprocess.Popen(
                    [sys.executable, *command],
                    cwd=ROOT,
                    env=environment,
                    stderr=output,
                    stdout=output,
                )
            )
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _output(workdir, number):
    return f"{workdir}.{number}.txt"


def stderr(workdir, number):
    with open(_output(workdir, number)) as file:
        return file.read()


def wait_for(text, workdir, processes, seconds=300):
    """Waits until the first host has written a text."""
    end = time.monotonic() + seconds
    while text not in stderr(workdir, 0):
        is_running = all(process.poll() is None for process in processes)
        assert is_running, stderr(workdir, 0)
        assert time.monotonic() < end, stderr(workdir, 0)
        time.sleep(0.02)


def wait_until(is_done, seconds=60):
    """Waits until a function returns True."""
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end
        time.sleep(0.02)


def codes(processes, seconds=60):
    """Returns the exit codes; fails if a process lasts longer."""
    end = time.monotonic() + seconds
    return [process.wait(max(0.1, end - time.monotonic())) for process in processes]
