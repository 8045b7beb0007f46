"""Ends of a training that something else has caused: what is kept, said, and made up for."""

import errno
import io
import json
import shutil
import signal

import numpy as np
import pytest
from PIL import Image
from tensorflow_datasets.proto import tf_example_pb2

from pix2pix_flax.checkpoint.integrity import CheckpointError, verify
from pix2pix_flax.checkpoint.manager import find_checkpoint
from pix2pix_flax.data.fingerprint import fingerprint_of_bytes
from pix2pix_flax.data.order import order_fingerprint
from pix2pix_flax.data.records import DamagedRecordError, DatasetError
from pix2pix_flax.report.scalars import read_scalars
from pix2pix_flax.train import train
from pix2pix_flax.train.validation import Validation
from pix2pix_flax.train.writer import Writer
from tests.commands import run_command
from tests.pix2pix_flax.data.shards import NAME, SHARD, flip_a_bit, read_records, write_records
from tests.pix2pix_flax.train.checkpoint_files import assert_same_arrays, run_data, steps


@pytest.fixture
def copied(dataset_dir, tmp_path):
    """A copy of the dataset that may be damaged: its data_dir and its shard of the split train."""
    shutil.copytree(dataset_dir / NAME, tmp_path / "data" / NAME)
    return str(tmp_path / "data"), tmp_path / "data" / NAME / "2.0.0" / SHARD.format("train")


@pytest.fixture(scope="module")
def unbroken(trained_once):
    return trained_once("supervised")


def metrics(workdir, step):
    return json.loads((workdir / "checkpoints" / str(step) / "metrics" / "metrics").read_text())


def log_steps(workdir):
    lines = [json.loads(line) for line in (workdir / "log.jsonl").read_text().splitlines()]
    return [line["step"] for line in lines if "validation/l1" in line]


def test_a_damaged_record_ends_the_run_after_a_checkpoint(
    copied, unbroken, smoke_config, tmp_path, caplog
):
    data_dir, shard = copied
    whole = shard.read_bytes()
    flip_a_bit(shard)
    config = smoke_config("supervised", data__data_dir=data_dir)
    with pytest.raises(DamagedRecordError, match=rf"^Record 12 of {shard} is damaged"):
        train(config, tmp_path / "run")
    (saved,) = steps(tmp_path / "run")  # the record is met in the first 5 batches
    assert f"Saved step {saved} before the end by an error." in caplog.messages
    assert run_data(tmp_path / "run", saved)["data"]["position"] == {"next_index": saved}
    with pytest.raises(DamagedRecordError):
        train(config, tmp_path / "run")
    assert steps(tmp_path / "run") == [saved]

    shard.write_bytes(whole)
    assert train(config, tmp_path / "run") == 0
    assert_same_arrays(tmp_path / "run", unbroken, 8)


def signal_in(monkeypatch, owner, name, number=signal.SIGTERM):
    """Sends a signal at each call of a method, before it runs."""
    method = getattr(owner, name)

    def interrupted(*arguments, **options):
        signal.raise_signal(number)
        return method(*arguments, **options)

    monkeypatch.setattr(owner, name, interrupted)


def test_an_evaluation_that_a_signal_meets_is_made_up_for(
    smoke_config, tmp_path, monkeypatch, unbroken, caplog
):
    config = smoke_config("supervised", train__keep_checkpoints=1)
    with monkeypatch.context() as patch:
        signal_in(patch, Validation, "scores")
        assert train(config, tmp_path) == 143
    with monkeypatch.context() as patch:  # and once more, while it is made up for
        signal_in(patch, Validation, "scores")
        assert train(config, tmp_path) == 143
    message = "Stopped by signal 15; saved step 4 of 8, whose scores the same command adds."
    assert caplog.messages[-1] == message
    assert (steps(tmp_path), metrics(tmp_path, 4)) == ([4], {})
    scores = Validation.scores

    def worse_at_the_end(self, state, *arguments):
        found = scores(self, state, *arguments)
        return {**found, "l1": found["l1"] + (int(state.step) == 8)}

    monkeypatch.setattr(Validation, "scores", worse_at_the_end)
    assert train(config, tmp_path) == 0
    assert metrics(tmp_path, 4) == metrics(unbroken, 4)
    assert log_steps(tmp_path) == [4, 8]
    assert (tmp_path / "previews" / "panel-00000004.png").exists()
    assert_same_arrays(tmp_path, unbroken, 8)
    assert steps(tmp_path) == [4, 8]  # one is kept, and the best one
    assert find_checkpoint(tmp_path).name == "4"
    flip_a_bit(tmp_path / "checkpoints" / "4" / "metrics" / "metrics")
    with pytest.raises(CheckpointError, match="metrics/metrics is damaged"):
        verify(tmp_path / "checkpoints" / "4")


def test_scores_that_a_full_disk_kept_from_the_log_are_added(smoke_config, tmp_path, unbroken):
    run = shutil.copytree(unbroken, tmp_path / "run")
    log = run / "log.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    assert "validation/l1" in lines[-1]
    log.write_text("".join(lines[:-1]))
    for _ in range(2):  # once, not at every start
        assert train(smoke_config("supervised"), run) == 0
        assert log.read_text().splitlines(keepends=True) == lines


def test_lines_that_a_full_disk_refused_come_with_the_checkpoint(
    smoke_config, tmp_path, monkeypatch, unbroken
):
    def refuse(writer):
        raise OSError(errno.ENOSPC, "No space left on device")

    config = smoke_config("supervised")
    with monkeypatch.context() as patch:
        patch.setattr(Writer, "_write_lines", refuse)
        assert train(config, tmp_path) == 0
    assert not (tmp_path / "log.jsonl").exists()
    assert train(config, tmp_path) == 0
    found, expected = (read_scalars(run) for run in (tmp_path, unbroken))
    validation = [one for one in expected if one.name.startswith("validation/")]
    assert len(validation) == 3
    assert [one for one in found if one.name.startswith("validation/")] == validation


def test_a_signal_in_the_last_step_is_no_end_without_scores(
    smoke_config, tmp_path, monkeypatch, caplog
):
    config = smoke_config("supervised", train__eval_every_steps=100)
    with monkeypatch.context() as patch:
        signal_in(patch, Validation, "scores")
        assert train(config, tmp_path) == 143
    message = "Stopped by signal 15; saved step 8 of 8, whose scores the same command adds."
    assert caplog.messages[-1] == message
    assert metrics(tmp_path, 8) == {}
    assert train(config, tmp_path) == 0
    assert set(metrics(tmp_path, 8)) == {"l1", "psnr", "ssim"}


def encode_again(shard):
    """Encodes the pictures of a shard with another compression: other bytes, the same pixels."""
    records = []
    for record in read_records(shard):
        example = tf_example_pb2.Example.FromString(record)
        for name in ("photo", "cartoon"):
            values = example.features.feature[name].bytes_list.value
            file = io.BytesIO()
            Image.open(io.BytesIO(values[0])).save(file, "png", compress_level=1)
            values[0] = file.getvalue()
        records.append(example.SerializeToString(deterministic=True))
    write_records(shard, records)


def test_an_equal_rebuild_goes_on(copied, unbroken, smoke_config, tmp_path):
    data_dir, shard = copied
    run = shutil.copytree(unbroken, tmp_path / "run")
    shutil.rmtree(run / "checkpoints" / "8")
    before = shard.read_bytes()
    encode_again(shard)
    assert shard.read_bytes() != before
    assert train(smoke_config("supervised", data__data_dir=data_dir), run) == 0
    assert_same_arrays(run, unbroken, 8)


def test_the_fingerprint_of_older_runs_is_accepted(copied, unbroken, smoke_config, tmp_path):
    data_dir, shard = copied
    run = shutil.copytree(unbroken, tmp_path / "run")
    config = smoke_config("supervised", data__data_dir=data_dir, train__steps=10)
    older = order_fingerprint(config, batch_size=4, seed=0, of_examples=fingerprint_of_bytes)
    assert len(older) == 16
    for step in ("4", "8"):
        file = run / "checkpoints" / step / "run" / "metadata"
        content = json.loads(file.read_text())
        content["data"]["fingerprint"] = older
        file.write_text(json.dumps(content))
        (run / "checkpoints" / step / "manifest.json").unlink()
    assert train(config, run) == 0
    assert len(run_data(run, 10)["data"]["fingerprint"]) > 16
    shutil.rmtree(run / "checkpoints" / "10")
    encode_again(shard)  # which that fingerprint cannot know to be equal
    with pytest.raises(DatasetError, match="take a new --workdir"):
        train(config, run)


def test_exit_codes_of_a_run_without_a_whole_step(unbroken, smoke_config, tmp_path, dataset_dir):
    run = shutil.copytree(unbroken, tmp_path / "run")
    for step in (run / "checkpoints").iterdir():
        shutil.rmtree(step / "run")
    command = [
        *("-m", "pix2pix_flax.main", "--config=tests/supervised.py:smoke", f"--workdir={run}"),
        *(f"--config.data.name={NAME}", f"--config.data.data_dir={dataset_dir}"),
    ]
    done = run_command(*command)
    assert done.returncode == 4, done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: No checkpoint in {run}/checkpoints is ")
    assert done.stderr.endswith("which sets the old steps aside and deletes nothing.\n")
    assert "Traceback" not in done.stderr
    assert steps(run) == [4, 8]
    done = run_command(*command, "--fresh", "--verify")
    assert done.returncode == 0, done.stderr
    assert f"All 20 records of split 'train' of {NAME} are whole." in done.stderr
    names = sorted(path.name.partition("-")[0] for path in (run / "checkpoints").iterdir())
    assert names == ["4", "4.old", "8", "8.old"]


def test_values_that_cannot_be_meant_build_nothing(smoke_config, tmp_path):
    with pytest.raises(ValueError, match=r"config\.ema_decay must be at least 0 and less than 1"):
        train(smoke_config(ema_decay=2.0), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert np.isnan(smoke_config(optimizer__learning_rate=np.nan).optimizer.learning_rate)
    with pytest.raises(ValueError, match=r"config\.optimizer\.learning_rate must be at least 0"):
        train(smoke_config(optimizer__learning_rate=np.nan), tmp_path / "run")
