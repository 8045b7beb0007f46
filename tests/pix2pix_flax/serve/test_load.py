"""The service under many requests at once, as a process of its own."""

import concurrent.futures
import contextlib
import io
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.commands import CONSOLE, ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
REQUESTS, SIDE = 50, 1500


def noise():
    """A picture that no format makes smaller, as a PNG file of 6.7 MB."""
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    Image.fromarray(pixels).save(file, "png", compress_level=0)
    return file.getvalue()


@contextlib.contextmanager
def served(site):
    """Serves until the end of the block; gives the port and the process."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-c", CONSOLE, "serve", f"--port={port}", f"--site={site}"]
    with subprocess.Popen(words, cwd=ROOT) as process:
        try:
            while not is_open(port):
                assert process.poll() is None
                time.sleep(0.1)
            yield port, process
        finally:
            process.terminate()


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def peak_memory(process):
    """Returns the largest resident memory of a process so far, in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def post(port, picture):
    address = f"http://localhost:{port}/cartoonize?max_side=256&format=jpeg"
    request = urllib.request.Request(address, picture, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return Image.open(io.BytesIO(answer.read())).size
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ConnectionError):
            raise
        return 503  # refused before its picture was read, so the connection was closed


def test_memory_does_not_grow_with_the_number_of_requests(models):
    picture = noise()

    def ask(port, count, at_once):
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(post, [port] * count, [picture] * count))

    with served(models) as (port, process):
        ask(port, 24, os.cpu_count() or 1)  # compiles, and each thread of the pool works once
        before = peak_memory(process)
        answers = ask(port, REQUESTS, REQUESTS)
        after = peak_memory(process)
    print(
        f"peak memory: {before:.0f} MiB before, {after:.0f} MiB after {REQUESTS} requests at once"
    )
    # A machine that is slow or busy answers 503 to what has waited for a minute.
    assert set(answers) <= {(256, 256), 503}
    assert (256, 256) in answers
    assert after - before < len(picture) * REQUESTS / 2**20 / 3
