"""What is left of a run whose files were damaged, whose process was killed, whose disk was full."""

import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pix2pix_flax
from pix2pix_flax.checkpoint.integrity import CheckpointError
from pix2pix_flax.checkpoint.manager import Checkpoints, find_checkpoint, restore_generator
from pix2pix_flax.steps.state import NetState, TrainState

ROOT = Path(pix2pix_flax.__file__).parents[1]
RUN = {"config": {"sizes": {}, "train": {"best_metric": "l1"}}, "data": {}}

# All that is in a step's directory; some names are hashes.
FILES = [
    "_CHECKPOINT_METADATA",
    "commit_success.txt",
    "manifest.json",
    "metrics/commit_success.txt",
    "metrics/metrics",
    "run/commit_success.txt",
    "run/metadata",
    "state/_METADATA",
    "state/_sharding",
    "state/array_metadatas/process_0",
    "state/commit_success.txt",
    "state/d/*",
    "state/manifest.ocdbt",
    "state/ocdbt.process_0/d/*",
    "state/ocdbt.process_0/manifest.ocdbt",
]

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


def make_state(step, size=64):
    weights = jax.random.uniform(jax.random.key(step), (size,)).at[0].set(step)
    return TrainState(jnp.int32(step), jax.random.key(0), {"gen": NetState({"w": weights}, {})})


def open_checkpoints(workdir):
    return Checkpoints(workdir, keep=2, best_metric="l1")


def save(workdir, *steps):
    checkpoints = open_checkpoints(workdir)
    for step in steps:
        checkpoints.save(make_state(step), RUN, {})
    checkpoints.close()


def restored_step(workdir, size=64):
    """Starts as a training does; returns the step that it goes on from, None for a beginning."""
    checkpoints = open_checkpoints(workdir)
    try:
        restored = checkpoints.restore(make_state(0, size))
    finally:
        checkpoints.close()
    if restored is None:
        return None
    step = int(restored.state.step)
    expected = make_state(step, size).nets["gen"].params["w"]
    np.testing.assert_array_equal(restored.state.nets["gen"].params["w"], expected)
    return step


def names(workdir):
    return sorted(path.name for path in (workdir / "checkpoints").iterdir())


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.name.startswith("pix2pix_flax")]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture(scope="module")
def two_steps(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run")
    save(workdir, 1, 2)
    return workdir


def test_every_file_is_listed(two_steps):
    step = two_steps / "checkpoints" / "2"
    listed = {path for pattern in FILES for path in step.glob(pattern)}
    assert {path for path in step.rglob("*") if path.is_file()} == listed


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        (pattern, damage)
        for pattern in FILES
        for damage in (flip_a_bit, truncate, os.remove)
        if (pattern, damage) != ("manifest.json", os.remove)  # see below
    ],
)
def test_damaged_file_costs_one_step(two_steps, tmp_path, caplog, pattern, damage):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    damage(next((tmp_path / "checkpoints" / "2").glob(pattern)))
    with caplog.at_level(logging.WARNING):
        assert restored_step(tmp_path) == 1
    (warning,) = warnings(caplog)
    assert warning.startswith(f"Setting checkpoint {tmp_path / 'checkpoints' / '2'} aside as 2.dam")
    one, aside = names(tmp_path)
    assert (one, aside.startswith("2.damaged-")) == ("1", True)
    save(tmp_path, 2)  # its number is free again
    assert restored_step(tmp_path) == 2


# TensorStore's other reads end after the event loop in which the first one failed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("damage", [truncate, os.remove])
def test_damaged_step_without_a_manifest_costs_one_step(two_steps, tmp_path, caplog, damage):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    step = tmp_path / "checkpoints" / "2"
    (step / "manifest.json").unlink()
    for file in step.glob("state/**/d/*"):
        damage(file)
    assert restored_step(tmp_path) == 1
    assert any("2.damaged-" in warning for warning in warnings(caplog))


def test_good_step_without_a_manifest_is_used_and_gets_one(two_steps, tmp_path, caplog):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    manifest = tmp_path / "checkpoints" / "2" / "manifest.json"
    manifest.unlink()
    assert restored_step(tmp_path) == 2
    assert "not verified" in warnings(caplog)[0]
    assert manifest.exists()


def test_all_damaged_is_an_error_and_changes_nothing(two_steps, tmp_path):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    for step in ("1", "2"):
        flip_a_bit(next((tmp_path / "checkpoints" / step).glob("state/d/*")))
    before = contents(tmp_path)
    with pytest.raises(CheckpointError, match=r"No checkpoint in .* is whole: .*/2/.* is damaged"):
        restored_step(tmp_path)
    assert contents(tmp_path) == before


def test_damaged_generator_is_not_used(two_steps, tmp_path):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    step = find_checkpoint(tmp_path)
    flip_a_bit(next(step.glob("state/d/*")))
    with pytest.raises(CheckpointError, match=rf"{step}/state/d/\w+ is damaged"):
        restore_generator(step)


@pytest.mark.parametrize("stray", ["99", "2.orbax-checkpoint-tmp", "notes"])
def test_stray_directories_and_files_are_no_steps(two_steps, tmp_path, caplog, stray):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "checkpoints"
    (folder / "notes.txt").write_text("lr 1e-4?")
    (folder / stray).mkdir()
    assert find_checkpoint(tmp_path).name == "2"
    assert restored_step(tmp_path) == 2
    assert ("99" in " ".join(warnings(caplog))) == (stray == "99")
    save(tmp_path, 3)
    assert restored_step(tmp_path) == 3
    assert (folder / "notes.txt").exists()
    assert not (folder / "99").exists()
    assert not list(folder.glob("*tmp*"))


def test_emptied_step_is_no_step(two_steps, tmp_path, caplog):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "checkpoints" / "2")
    (tmp_path / "checkpoints" / "2").mkdir()
    assert restored_step(tmp_path) == 1
    assert "not complete" in " ".join(warnings(caplog))


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
        assert restored_step(workdir, size) == newest
        assert all(name.isdigit() for name in names(workdir))


def test_full_disk_while_saving_loses_no_older_step(tmp_path, largest_file):
    save(tmp_path, 1, 2)
    before = contents(tmp_path)
    with largest_file(100_000):
        checkpoints = open_checkpoints(tmp_path)
        checkpoints.save(make_state(3, 1_000_000), RUN, {})
        with pytest.raises(CheckpointError, match=r"^Saving failed: .*File too large") as error:
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
    assert {"1", "2"} <= set(kept)
