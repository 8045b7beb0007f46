"""Files are complete or absent, and a folder has one user."""

import json
import os
import subprocess
import sys

import pytest

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import InUseError, atomic_write, expand_home, locked, refuse_foreign_code

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


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path):
    (tmp_path / "a.txt").mkdir()  # no file can take this name
    for path in (tmp_path / "none" / "a.txt", tmp_path / "a.txt"):
        with pytest.raises(OSError) as caught, atomic_write(path) as temporary:  # noqa: PT011
            temporary.write_text("new")
        assert caught.value.filename == str(path)


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


def test_a_lock_without_fcntl_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)  # an import raises ImportError, as on Windows
    with pytest.raises(UserError, match=r"no fcntl: build datasets and train on Linux, or in WSL2"):
        locked(tmp_path).__enter__()


def describe(folder, features, info=None):
    (folder / "features.json").write_text(json.dumps(features))
    (folder / "dataset_info.json").write_text(json.dumps(info or {}))


FOREIGN = {"pythonClassName": "work.evil.X"}


@pytest.mark.parametrize(
    "features",
    [
        FOREIGN,
        {"python_class_name": "work.evil.X"},
        {"type": "work.evil.X", "content": {}},
        {"pythonClassName": "tensorflow_datasets_evil.X"},
        {"featuresDict": {"features": {"a": {"sequence": {"feature": FOREIGN}}}}},
        {"jsonFeature": {"json": json.dumps({"feature": FOREIGN})}},
        {"jsonFeature": {"json": " " + json.dumps([{"content": json.dumps(FOREIGN)}])}},
    ],
)
@pytest.mark.parametrize("place", ["features.json", "dataset_info.json"])
def test_code_that_a_dataset_names_is_refused(tmp_path, features, place):
    if place == "features.json":
        describe(tmp_path, features)
    else:
        describe(tmp_path, {}, {"features": features})
    with pytest.raises(UserError, match="code outside TensorFlow Datasets") as caught:
        refuse_foreign_code(tmp_path)
    assert place in str(caught.value)


def test_classes_and_texts_of_tensorflow_datasets_are_not_refused(tmp_path):
    name = "tensorflow_datasets.core.features.image_feature.Image"
    texts = {"description": "{not json", "citation": "[1] X. Y.", "type": "plain"}
    describe(tmp_path, {"pythonClassName": name, "content": texts}, {"type": name, **texts})
    refuse_foreign_code(tmp_path)


def test_home_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert expand_home("~/a") == f"{tmp_path}/a"
    assert expand_home("a/~/b") == "a/~/b"
    with pytest.raises(UserError, match=r"~nobody_at_all/a: no such home folder; write \./~nobody"):
        expand_home("~nobody_at_all/a")
    (tmp_path / "~old.png").touch()
    assert expand_home("~old.png") == "~old.png"


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
