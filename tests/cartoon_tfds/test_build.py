"""A build that is killed loses nothing: not the old dataset, and not what it had finished."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from cartoon_tfds import build as build_module
from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, BuildOptions, CartoonConfig
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.records import manifest
from cartoon_tfds.records.array_record import iter_records
from cartoon_tfds.sources.base import SourceError

ROOT = Path(build_module.__file__).parents[1]
VIEWS = 24  # of 8 photographs, in 24 parts
BUILD = """
import sys
from pathlib import Path
from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, BuildOptions, CartoonConfig
from cartoon_tfds.recipes.cartoons import Cartoons
config = CartoonConfig(name="few", recipe=Cartoons(views_per_photo=int(sys.argv[3]), view_size=128))
if sys.argv[1] == "build":
    build(config, Path(sys.argv[2]), overwrite=True, options=BuildOptions())
else:  # as `tfds build` does it
    Builder(config=config, data_dir=sys.argv[2]).download_and_prepare()
"""


def _config(views=VIEWS):
    return CartoonConfig(name="few", recipe=Cartoons(views_per_photo=views, view_size=128))


def _parts(data_dir):
    paths = (data_dir / ".cartoon_tfds-few").glob("*/*/*.zip")
    return [path for path in paths if not path.name.startswith(".")]  # those are not finished


def _kill_in_the_middle(how, data_dir):
    """Starts a build and kills it once it has finished a few parts; returns how many."""
    command = [sys.executable, "-c", BUILD, how, str(data_dir), str(VIEWS)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while len(_parts(data_dir)) < 6:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    finished = len(_parts(data_dir))
    assert 6 <= finished < 20
    return finished


@pytest.fixture
def made(monkeypatch):
    """The parts that are drawn in this process, as they are."""
    made, make = [], Cartoons.make
    monkeypatch.setattr(Cartoons, "make", lambda *args: made.append(args) or make(*args))
    return made


def test_old_dataset_stays_and_finished_work_is_used(tmp_path, made):
    old = build(_config(views=1), tmp_path, overwrite=False, options=BuildOptions())
    assert len(made) == 8
    finished = _kill_in_the_middle("build", tmp_path)
    assert manifest.first_difference(Path(old.data_path)) is None
    assert len(tfds.data_source("cartoon_tfds/few", split="train", data_dir=tmp_path)) == 5
    made.clear()
    new = build(_config(), tmp_path, overwrite=True, options=BuildOptions())
    # Of the last part that it wrote, the killed process may not have got to the name.
    assert len(made) == 24 - finished
    assert manifest.first_difference(Path(new.data_path)) is None
    assert len(list(iter_records(Path(new.data_path)))) == 8 * VIEWS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cartoon_tfds", "downloads"]


def test_killed_tfds_build_goes_on_and_is_cleaned_up(tmp_path, made):
    finished = _kill_in_the_middle("tfds", tmp_path)
    folder = tmp_path / "cartoon_tfds" / "few"
    assert [path.name.split(".")[0] for path in folder.iterdir()] == ["incomplete"]
    Builder(config=_config(), data_dir=tmp_path).download_and_prepare()
    assert len(made) == 24 - finished
    assert [path.name for path in folder.iterdir()] == ["2.0.0"]
    assert manifest.first_difference(folder / "2.0.0") is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cartoon_tfds", "downloads"]


def test_ctrl_c_is_one_line(tmp_path):
    flags = ["--config=sample", "--name=few", f"--views_per_photo={VIEWS}", "--view_size=128"]
    command = [sys.executable, "-m", "cartoon_tfds", *flags, f"--data_dir={tmp_path}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        while len(_parts(tmp_path)) < 2:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "interrupted; the next build uses the finished parts\n"
    assert len(_parts(tmp_path)) >= 2


def test_kill_between_the_two_renames_of_the_swap(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    renames, rename = [], Path.rename

    def die_at_the_second(path, target):
        renames.append(target)
        if len(renames) == 2:
            raise Killed
        return rename(path, target)

    old = build(_config(views=1), tmp_path, overwrite=False, options=BuildOptions())
    before = (Path(old.data_path) / manifest.NAME).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(build_module.Path, "rename", die_at_the_second)
        with pytest.raises(Killed):
            build(_config(views=2), tmp_path, overwrite=True, options=BuildOptions())
    assert not Path(old.data_path).exists()
    # The next command first puts the old one back.
    with pytest.raises(SourceError, match="views_per_photo 1 instead of 3; --overwrite"):
        build(_config(views=3), tmp_path, overwrite=False, options=BuildOptions())
    assert (Path(old.data_path) / manifest.NAME).read_bytes() == before
    assert build(_config(views=1), tmp_path, overwrite=False, options=BuildOptions())


def test_what_a_killed_swap_left_is_not_used(tmp_path):
    build(_config(views=1), tmp_path, overwrite=False, options=BuildOptions())
    for left_over in ("new/cartoon_tfds/few/2.0.0", "old"):
        folder = tmp_path / ".cartoon_tfds-few" / left_over
        folder.mkdir(parents=True)
        (folder / "dataset_info.json").write_text("{}")
    builder = build(_config(views=2), tmp_path, overwrite=True, options=BuildOptions())
    assert manifest.first_difference(Path(builder.data_path)) is None
    assert len(list(manifest.read_examples(Path(builder.data_path)))) == 16
