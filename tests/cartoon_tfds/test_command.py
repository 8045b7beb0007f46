"""`python -m cartoon_tfds`: a build without TensorFlow that loses nothing and says what it did."""

import hashlib
import os
import subprocess
import sys

import pytest

from cartoon_tfds.images import read_image

# The command line with one view a photograph: 64 would take a minute.
COMMAND = """
import sys
from absl import app
from cartoon_tfds import __main__, cartoon_tfds_dataset_builder as builder_module
builder_module.Builder.BUILDER_CONFIGS[0].views_per_photo = 1
if {broken}:
    def iter_pairs(*_, **__):
        raise OSError("disk full")
        yield
    builder_module.iter_pairs = iter_pairs
def main(argv):
    __main__.main(argv)
    assert "tensorflow" not in sys.modules
app.run(main)
"""


def _command(*arguments, broken=False):
    script = COMMAND.format(broken=broken)
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def _hashes(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder and the output of a first build."""
    folder = tmp_path_factory.mktemp("data")
    done = _command("--config=sample", f"--data_dir={folder}")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_build_says_where_the_dataset_is_and_what_is_in_it(built):
    folder, output = built
    assert f"lies in {folder}/cartoon_tfds/sample/1.0.0" in output
    assert "train: 5 pairs of 5 photographs: astronaut, china, grace_hopper, motorcycle" in output
    assert "validation: 1 pairs of 1 photographs: flower" in output
    assert "test: 2 pairs of 2 photographs: chelsea, coffee" in output


def test_second_build_changes_nothing_and_says_so(built):
    folder, _ = built
    before = _hashes(folder)
    done = _command(f"--data_dir={folder}")
    assert done.returncode == 0
    assert "already there" in done.stdout
    assert "test: 2 pairs of 2 photographs: chelsea, coffee" in done.stdout
    assert _hashes(folder) == before


def test_overwrite_builds_again(built):
    folder, _ = built
    before = _hashes(folder)
    marker = folder / "cartoon_tfds" / "sample" / "1.0.0" / "marker"
    marker.touch()
    done = _command(f"--data_dir={folder}", "--overwrite")
    assert done.returncode == 0, done.stderr
    assert _hashes(folder) == before  # the marker is gone, nothing is left over


def test_overwrite_that_fails_keeps_the_old_dataset(built):
    folder, _ = built
    before = _hashes(folder)
    done = _command(f"--data_dir={folder}", "--overwrite", broken=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "disk full" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert _hashes(folder) == before


def test_export_writes_whole_photographs_with_their_cartoons(built, tmp_path):
    folder, _ = built
    done = _command(f"--data_dir={folder}", f"--export_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.rglob("*.png"))) == 16
    for kind in ("photo", "cartoon"):
        test = sorted(path.name for path in (tmp_path / "test" / kind).iterdir())
        assert test == ["chelsea.png", "coffee.png"]
        assert read_image(tmp_path / "test" / kind / "coffee.png").shape == (400, 600, 3)


@pytest.mark.parametrize(
    ("argument", "cause"),
    [
        ("--config=nope", "<sample|public>"),
        ("--confg=sample", "Did you mean: config"),
        ("build", "unexpected argument 'build'"),
        (f"--data_dir={os.devnull}", "Not a directory"),
    ],
)
def test_bad_arguments_get_one_clear_line(argument, cause):
    done = _command(argument)
    assert done.returncode == 1
    assert any(cause in line for line in done.stderr.splitlines()), done.stderr
    assert "Traceback" not in done.stderr
