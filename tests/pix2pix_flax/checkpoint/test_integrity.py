"""What is left of a run whose files were damaged."""

import logging
import os
import shutil

import pytest

from pix2pix_flax.checkpoint.integrity import CheckpointError, NoUsableStepError
from pix2pix_flax.checkpoint.manager import find_checkpoint, restore_generator, set_run_aside
from tests.pix2pix_flax.checkpoint.runs import contents, flip_a_bit, names, restored_step, save

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


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.name.startswith("pix2pix_flax")]


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
    assert warning.startswith(f"Setting {tmp_path / 'checkpoints' / '2'} aside as 2.dam")
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


def test_good_step_without_a_manifest_is_used_and_gets_none(two_steps, tmp_path, caplog):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    manifest = tmp_path / "checkpoints" / "2" / "manifest.json"
    manifest.unlink()
    assert restored_step(tmp_path) == 2
    assert "not verified" in warnings(caplog)[0]
    save(tmp_path, 3)
    assert not manifest.exists()  # it would certify files that may be damaged
    assert (tmp_path / "checkpoints" / "3" / "manifest.json").exists()


def test_manifest_that_lists_not_all_is_damaged(two_steps, tmp_path, caplog):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    (tmp_path / "checkpoints" / "2" / "manifest.json").write_text("{}")
    assert restored_step(tmp_path) == 1
    assert "run/commit_success.txt is not in it" in warnings(caplog)[0]


def empty_every_step(folder):
    for step in folder.iterdir():
        shutil.rmtree(step)
        step.mkdir()


def lose_every_run(folder):
    for step in folder.iterdir():
        shutil.rmtree(step / "run")


def damage_every_step(folder):
    for step in folder.iterdir():
        flip_a_bit(next(step.glob("state/d/*")))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (damage_every_step, r".*/2/.* is damaged"),
        (empty_every_step, "/2 is not complete"),
        (lose_every_run, "/2 is not complete"),
    ],
)
def test_no_whole_step_is_an_error_and_changes_nothing(two_steps, tmp_path, damage, reason):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    damage(tmp_path / "checkpoints")
    before = contents(tmp_path)
    with pytest.raises(NoUsableStepError, match=rf"No checkpoint in .* is whole: .*{reason}") as e:
        restored_step(tmp_path)
    assert e.value.exit_code == 4
    assert "--fresh" in str(e.value)
    assert contents(tmp_path) == before
    set_run_aside(tmp_path)
    assert restored_step(tmp_path) is None
    kept = sorted(data for data in contents(tmp_path).values())
    assert kept == sorted(before.values())
    assert [name.partition("-")[0] for name in names(tmp_path)] == ["1.old", "2.old"]


def test_a_run_that_begins_anew_sets_its_previews_aside(two_steps, tmp_path):
    shutil.copytree(two_steps, tmp_path, dirs_exist_ok=True)
    (tmp_path / "previews").mkdir(exist_ok=True)
    (tmp_path / "previews" / "panel-00050000.png").write_bytes(b"of the old run")
    set_run_aside(tmp_path)
    assert not (tmp_path / "previews").exists()
    (aside,) = tmp_path.glob("previews.old-*/panel-00050000.png")
    assert aside.read_bytes() == b"of the old run"


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
