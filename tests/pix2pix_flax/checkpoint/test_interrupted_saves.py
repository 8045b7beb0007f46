"""What is left of a run whose process was killed or whose disk was full during a save."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pix2pix_flax
from pix2pix_flax.checkpoint.integrity import CheckpointError
from pix2pix_flax.checkpoint.manager import Checkpoints
from tests.pix2pix_flax.checkpoint.runs import (
    RUN,
    contents,
    flip_a_bit,
    make_state,
    names,
    open_checkpoints,
    restored_step,
    save,
)

ROOT = Path(pix2pix_flax.__file__).parents[1]

# Saves until it is killed or the disk is full; each step's arrays hold the step's number.
SAVER = """
import itertools, sys
from pathlib import Path
import jax, jax.numpy as jnp
from pix2pix_flax.checkpoint.integrity import CheckpointError
from pix2pix_flax.checkpoint.manager import Checkpoints
from pix2pix_flax.steps.state import NetState, TrainState

checkpoints = Checkpoints(Path(sys.argv[1]), keep=2, best_metric="l1")
run = {"config": {"sizes": {}, "train": {"best_metric": "l1"}}, "data": {}}
first, last, size = map(int, sys.argv[2:5])
print("running")
try:
    for step in range(first, last + 1):
        weights = jax.random.uniform(jax.random.key(step), (size,)).at[0].set(step)
        nets = {"gen": NetState({"w": weights}, {})}
        state = TrainState(jnp.int32(step), jax.random.key(0), nets)
        checkpoints.save(state, run, {})
        print(step, flush=True)
    checkpoints.close()
except CheckpointError as error:
    print("error:", error)
    sys.exit(1)
"""


def start_saver(*arguments, prefix=()):
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", SAVER, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_killed_while_saving(tmp_path):
    size = 500_000
    workdirs = [tmp_path / str(index) for index in range(3)]
    savers = [start_saver(workdir, 1, 1_000_000, size) for workdir in workdirs]
    for saver in savers:
        while saver.stdout.readline() != "4\n":
            assert saver.poll() is None
    for saver, workdir in zip(savers, workdirs, strict=True):
        deadline = time.monotonic() + 10
        while not list((workdir / "checkpoints").glob("*tmp*")) and time.monotonic() < deadline:
            pass  # until it is in the middle of a save
        saver.kill()
        saver.communicate()
    assert any("tmp" in name for workdir in workdirs for name in names(workdir))
    for workdir in workdirs:
        newest = max(int(name) for name in names(workdir) if name.isdigit())
        assert newest >= 3
        step = workdir / "checkpoints" / str(newest)
        assert (step / "manifest.json").exists()
        assert restored_step(workdir, size) == newest
        assert all(name.isdigit() for name in names(workdir))
        flip_a_bit(
            max(step.glob("state/ocdbt.process_0/d/*"), key=lambda path: path.stat().st_size)
        )
        assert restored_step(workdir, size) < newest


def test_each_flipped_bit_of_the_newest_step_is_found_after_a_kill(tmp_path):
    """40 bits, at least one in each file; every time, the step before is used."""
    killed, workdir, size = tmp_path / "killed", tmp_path / "copy", 2000
    saver = start_saver(killed, 1, 1_000_000, size)
    while saver.stdout.readline() != "6\n":
        assert saver.poll() is None
    saver.kill()
    saver.communicate()
    before, newest = sorted(int(name) for name in names(killed) if name.isdigit())[-2:]
    paths = (killed / "checkpoints" / str(newest)).rglob("*")
    files = sorted(path.relative_to(killed) for path in paths if path.is_file())
    draw = random.Random(0)
    for index in range(40):
        shutil.copytree(killed, workdir)
        damaged = workdir / files[index % len(files)]
        flip_a_bit(damaged, draw)
        assert restored_step(workdir, size) == before, damaged
        shutil.rmtree(workdir)


def test_full_disk_while_saving_loses_no_older_step(tmp_path, largest_file):
    save(tmp_path, 1, 2)
    before = contents(tmp_path)
    with largest_file(100_000):
        checkpoints = open_checkpoints(tmp_path)
        checkpoints.save(make_state(3, 1_000_000), RUN, {})
        with pytest.raises(
            CheckpointError, match=r"^Saving step 3 failed: .*File too large"
        ) as error:
            checkpoints.close()
    assert "\n" not in str(error.value)
    after = contents(tmp_path)
    assert {path: after[path] for path in before} == before
    # Once there is room the same step is saved, and what was left behind is gone.
    assert restored_step(tmp_path) == 2
    save(tmp_path, 3)
    assert restored_step(tmp_path) == 3
    assert names(tmp_path) == ["2", "3"]


@pytest.mark.skipif(not shutil.which("unshare"), reason="no command to mount a file system with")
def test_full_disk_stops_with_one_line(tmp_path):
    """On a real file system of 5 MB, which only root can mount."""
    script = 'mount -t tmpfs -o size=5m none "$0" && "$@"; code=$?; ls "$0/checkpoints"; exit $code'
    process = start_saver(
        tmp_path, 1, 9, 500_000, prefix=["unshare", "-m", "sh", "-c", script, tmp_path]
    )
    output, errors = process.communicate(timeout=60)
    if "running" not in output:
        pytest.skip(f"no file system could be mounted: {errors.strip()}")
    assert process.returncode == 1
    listing = output.partition("error: ")[2]
    message, *kept = listing.splitlines()
    assert message.startswith("Saving")
    assert "No space left on device" in message
    assert "Traceback" not in errors
    assert {"1", "2"} <= set(kept)


def test_unfinished_save_is_gone_before_the_training_goes_on(tmp_path):
    save(tmp_path, 1, 2)
    unfinished = tmp_path / "checkpoints" / "3.orbax-checkpoint-tmp"
    unfinished.mkdir()
    for index in range(5000):  # takes long to delete
        (unfinished / str(index)).touch()
    checkpoints = open_checkpoints(tmp_path)
    assert names(tmp_path) == ["1", "2"]
    checkpoints.close()


def test_killed_while_an_old_step_is_deleted(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "_empty_deleted", lambda self: None)  # killed before
        save(tmp_path, 1, 2, 3)
    assert names(tmp_path) == ["2", "3", "deleted"]
    old = tmp_path / "checkpoints" / "deleted" / "1"
    shutil.rmtree(old / "run")  # half of it was deleted
    assert restored_step(tmp_path) == 3
    assert names(tmp_path) == ["2", "3"]
