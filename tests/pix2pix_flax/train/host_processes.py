"""Starts one training as several processes on the loopback."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time

import pix2pix_flax

ROOT = os.path.dirname(os.path.dirname(pix2pix_flax.__file__))


@contextlib.contextmanager
def started(workdir, data, *flags, count=2, config="configs/l1.py:smoke"):
    """Starts the hosts, with two devices each; kills the remaining ones at the end of the block.

    Yields the processes; `stderr(workdir, number)` is the output of one so far.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "pix2pix_flax.main", f"--config={config}"),
        *(f"--workdir={workdir}", "--config.distributed=True", f"--config.data.name={data.name}"),
        *(f"--config.data.data_dir={data.data_dir}", *flags),
    ]
    devices = re.sub(r"device_count=\d+", "device_count=2", os.environ["XLA_FLAGS"])
    shared = {
        "XLA_FLAGS": devices,
        "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}",
        "JAX_NUM_PROCESSES": str(count),
        "PYTHONPATH": ROOT,
    }
    processes = []
    for number in range(count):
        environment = os.environ | shared | {"JAX_PROCESS_ID": str(number)}
        with open(_output(workdir, number), "w") as output:
            processes.append(
                subprocess.Popen(command, cwd=ROOT, env=environment, stderr=output, stdout=output)
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


def wait_for(text, workdir, processes, seconds=120):
    """Waits until the first host has written a text."""
    end = time.monotonic() + seconds
    while text not in stderr(workdir, 0):
        is_running = all(process.poll() is None for process in processes)
        assert is_running, stderr(workdir, 0)
        assert time.monotonic() < end, stderr(workdir, 0)
        time.sleep(0.02)


def codes(processes, seconds=60):
    """Returns the exit codes; fails if a process lasts longer."""
    end = time.monotonic() + seconds
    return [process.wait(max(0.1, end - time.monotonic())) for process in processes]
