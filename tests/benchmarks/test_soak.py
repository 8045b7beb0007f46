"""A short form of `make soak`."""

import random
import shutil
import signal
import sys

import pytest

from benchmarks.soak import differences, newest, soak


def test_an_interrupted_training_ends_as_an_undisturbed_one(
    trained_once, smoke_config, tmp_path, monkeypatch
):
    undisturbed, data = trained_once("l1"), smoke_config("l1").data
    command = [
        *(sys.executable, "-m", "pix2pix_flax.main", "--config=configs/l1.py:smoke"),
        *(f"--config.data.name={data.name}", f"--config.data.data_dir={data.data_dir}"),
    ]
    counts = soak(command, tmp_path, ["kill -9"], 8.0, random.Random(0))
    assert set(counts["kill -9"].codes) <= {-signal.SIGKILL, 0}
    assert newest(tmp_path) == 8
    assert differences(tmp_path, undisturbed) == []
    assert sum(count.tracebacks for count in counts.values()) == 0
    # What it would find.
    shutil.rmtree(tmp_path / "checkpoints" / "8")
    assert len(differences(tmp_path, undisturbed)) > 10


@pytest.mark.long
def test_two_hosts_end_as_two_undisturbed_ones(smoke_config, tmp_path, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    data = smoke_config("l1").data
    command = [
        *(sys.executable, "-m", "pix2pix_flax.main", "--config=configs/l1.py:smoke"),
        *(f"--config.data.name={data.name}", f"--config.data.data_dir={data.data_dir}"),
        *("--config.train.steps=200", "--config.train.eval_every_steps=5"),
    ]
    draw = random.Random(0)
    soak(command, tmp_path / "undisturbed", [], 0, draw, processes=2)
    soak(command, tmp_path / "run", ["kill -9"] * 10, 8.0, draw, processes=2)
    assert newest(tmp_path / "run") == 200
    assert differences(tmp_path / "run", tmp_path / "undisturbed") == []
