"""Files are complete or absent, and a folder has one user."""

import os
import subprocess
import sys

import pytest

from cartoon_tfds.files import InUseError, atomic_write, locked

HOLD = """
import sys, pathlib
from cartoon_tfds.files import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_file_gets_its_name_at_the_end(tmp_path):
    with atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".txt")
        assert not (tmp_path / "a.txt").exists()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "new"}


def test_an_error_leaves_the_old_file_alone(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(UnicodeError), atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("new\ud800")  # which makes the file before it fails
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "old"}


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(InUseError, match=f"in use by process {holder.pid} on "):
            locked(tmp_path).__enter__()
        holder.kill()
    with locked(tmp_path):
        assert (tmp_path / "lock").read_text().startswith(f"process {os.getpid()} on ")


WRITE = """
import pathlib, sys
from cartoon_tfds.files import atomic_write
with atomic_write(pathlib.Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print(temporary.name, flush=True)
    sys.stdin.read()
"""


def test_the_files_of_killed_processes_are_removed_and_others_stay(tmp_path):
    command = [sys.executable, "-c", WRITE, str(tmp_path / "a.mp4")]
    kept = [".a.mp4", ".notes.part.txt", ".b.00000000-1-00000000.part.mp4"]  # another machine's
    for name in kept:
        (tmp_path / name).touch()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as killed, subprocess.Popen(command, **pipes) as living:
        names = [process.stdout.readline().strip() for process in (killed, living)]
        killed.kill()
        killed.wait()
        assert all((tmp_path / name).exists() for name in names)
        with atomic_write(tmp_path / "b.txt") as temporary:
            temporary.write_text("whole")
        assert {path.name for path in tmp_path.iterdir()} == {*kept, "b.txt", names[1]}
        living.communicate("")
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "b.txt", "a.mp4"}
