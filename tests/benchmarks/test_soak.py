"""A short form of `make soak`."""

import random
import shutil
import signal
import sys

import pytest

from benchmarks.soak import differences, newest, soak


def test_what_differs_between_two_trainings_is_found(trained_once, tmp_path):
    undisturbed = trained_once("supervised")
    run = shutil.copytree(undisturbed, tmp_path / "run")
    assert newest(run) == 8
    assert differences(run, undisturbed) == []
    shutil.rmtree(run / "checkpoints" / "8")
    assert len(differences(run, undisturbed)) > 10


def test_an_interrupted_training_ends_as_an_undisturbed_one(trained_once, smoke_config, tmp_path):
    undisturbed, data = trained_once("supervised"), smoke_config("supervised").data
    command = [
        *(sys.executable, "-m", "pix2pix_flax.main", "--config=tests/supervised.py:smoke"),
        *(f"--config.data.name={data.name}", f"--config.data.data_dir={data.data_dir}"),
    ]
    counts = soak(command, tmp_path, ["kill -9"], 8.0, random.Random(0))
    assert set(counts["kill -9"].codes) <= {-signal.SIGKILL, 0}
    assert newest(tmp_path) == 8
    assert differences(tmp_path, undisturbed) == []
    assert sum(count.tracebacks for count in counts.values()) == 0


@pytest.mark.long
def test_two_hosts_end_as_two_undisturbed_ones(smoke_config, tmp_path, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    data = smoke_config("supervised").data
    command = [
        *(sys.executable, "-m", "pix2pix_flax.main", "--config=tests/supervised.py:smoke"),
        *(f"--config.data.name={data.name}", f"--config.data.data_dir={data.data_dir}"),
        *("--config.train.steps=200", "--config.train.eval_every_steps=5"),
    ]
    draw = random.Random(0)
    soak(command, tmp_path / "undisturbed", [], 0, draw, processes=2)
    soak(command, tmp_path / "run", ["kill -9"] * 10, 8.0, draw, processes=2)
    assert newest(tmp_path / "run") == 200
    assert differences(tmp_path / "run", tmp_path / "undisturbed") == []
