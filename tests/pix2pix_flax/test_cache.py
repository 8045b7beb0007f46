"""Compiled programs are kept for later processes."""

import os
import subprocess
import sys

import pytest

from pix2pix_flax import cache
from tests.commands import ROOT

PROGRAM = """
from pix2pix_flax import cache
cache.keep_compiled_programs()
import jax
from jax._src import monitoring
hits = []
monitoring.register_event_listener(lambda name, **_: hits.append(name.endswith("cache_hits")))
print(jax.jit(lambda x: x * 2 + 1)(20.5), any(hits))
"""
VARIABLES = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")


@pytest.fixture
def start(tmp_path):
    """Starts a process that compiles a function, with the cache in `tmp_path`."""

    def run(**variables):
        environment = {name: text for name, text in os.environ.items() if name not in VARIABLES}
        environment |= {cache.CACHE_VARIABLE: str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env=environment | {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


def test_processes_share_what_they_compile(start, tmp_path):
    together = [start(), start()]
    for process in together:
        shown, errors = process.communicate()
        assert (shown.split()[0], errors) == ("42.0", "")
    assert start().communicate() == ("42.0 True\n", "")
    (folder,) = (tmp_path / "cache" / "compiled").iterdir()
    assert folder.stat().st_mode & 0o077 == 0


def test_a_damaged_file_and_a_folder_that_cannot_be_written_are_done_without(start, tmp_path):
    assert start().communicate() == ("42.0 False\n", "")
    for file in (tmp_path / "cache").rglob("*-cache"):
        file.write_bytes(file.read_bytes()[:100])
    assert start().communicate() == ("42.0 False\n", "")
    (tmp_path / "file").write_bytes(b"")
    variables = {cache.CACHE_VARIABLE: str(tmp_path / "file")}
    assert start(**variables).communicate() == ("42.0 False\n", "")


def test_the_variables_of_jax_win(start, tmp_path):
    start(JAX_ENABLE_COMPILATION_CACHE="false").communicate()
    start(JAX_COMPILATION_CACHE_DIR=str(tmp_path / "mine")).communicate()
    assert not (tmp_path / "cache").exists()
    assert list((tmp_path / "mine").glob("*-cache"))


def test_the_oldest_files_make_room(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(cache, "_MOST_COMPILED", 250)
    for variable in VARIABLES:  # set and deleted, so that the end of the test restores it
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    cache.keep_compiled_programs()
    (folder,) = (tmp_path / "compiled").iterdir()
    for number in range(4):
        (folder / str(number)).write_bytes(bytes(100))
        os.utime(folder / str(number), (1e9 + number, 1e9 + number))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    cache.keep_compiled_programs()
    assert {path.name for path in folder.iterdir()} == {"2", "3"}
