"""Train to step k, stop, start again: the same arrays as of a run that was never stopped."""

import json
import logging
import signal
import subprocess
import sys

import pytest

from cartoon_tfds.files import InUseError
from pix2pix_flax.train import train
from pix2pix_flax.train.meter import Meter
from tests.commands import ROOT, run_command
from tests.pix2pix_flax.train.checkpoint_files import (
    arrays,
    assert_same_arrays,
    run_data,
    steps,
)


@pytest.fixture
def signal_at(monkeypatch):
    """Sends a signal in the middle of a step, by the number of steps since the start."""

    def arrange(count, number):
        calls = []
        add = Meter.add

        def add_and_signal(self, *arguments, **options):
            calls.append(None)
            if len(calls) == count:
                signal.raise_signal(number)
            add(self, *arguments, **options)

        monkeypatch.setattr(Meter, "add", add_and_signal)

    return arrange


@pytest.fixture
def command(smoke_config, tmp_path):
    """The arguments of Python for the training of the `trained` fixture."""
    data = smoke_config().data
    return [
        *("-m", "pix2pix_flax.main", "--config=tests/plain.py:smoke"),
        *(f"--config.data.name={data.name}", f"--config.data.data_dir={data.data_dir}"),
        f"--workdir={tmp_path}",
    ]


@pytest.fixture
def first(command):
    """That training in a process of its own, as a user starts it."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def wait_for(process, text):
    read = []
    for line in process.stderr:
        read.append(line)
        if text in line:
            return
    raise AssertionError("".join(read))


def assert_same_checkpoint(workdir, other, step):
    names = arrays(workdir, step)
    for part in ("step", "rng", "gen", "disc", "gen_ema", "opt_state", "batch_stats", "mu"):
        assert any(part in name for name in names), part
    assert_same_arrays(workdir, other, step)
    assert run_data(workdir, step) == run_data(other, step)
    assert "position" in run_data(workdir, step)["data"]


def test_stopped_twice_equals_unbroken(trained, smoke_config, tmp_path, signal_at, caplog):
    signal_at(3, signal.SIGTERM)
    assert train(smoke_config(), tmp_path) == 143
    assert steps(tmp_path) == [3]
    signal_at(2, signal.SIGINT)
    with caplog.at_level(logging.INFO, "pix2pix_flax"):
        assert train(smoke_config(), tmp_path) == 130
    assert "Resuming from step 3." in caplog.messages
    assert "Stopped by signal 2; saved step 5 of 8." in caplog.messages
    assert train(smoke_config(), tmp_path) == 0
    assert steps(tmp_path) == [4, 5, 8]
    assert_same_checkpoint(tmp_path, trained, 8)
    lines = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    # Steps that were due for no evaluation got none at the start.
    assert [line["step"] for line in lines if "validation/l1" in line] == [4, 8]


def test_the_same_files_by_epochs_although_it_was_stopped(smoke_config, tmp_path, signal_at):
    config = smoke_config(
        "supervised",
        train__epochs=2.0,  # of 20 examples in batches of 4
        train__eval_every_steps=0,
        train__preview_every_epochs=0.6,
        train__keep_every_epochs=0.8,
        train__keep_checkpoints=1,
    )
    one, other = tmp_path / "unbroken", tmp_path / "stopped"
    assert train(config, one) == 0
    signal_at(6, signal.SIGTERM)  # when a preview is due
    assert train(config, other) == 143
    assert train(config, other) == 0
    for workdir in (one, other):
        assert steps(workdir) == [4, 8, 10]
    previews = [
        {path.name: path.read_bytes() for path in (workdir / "previews").iterdir()}
        for workdir in (one, other)
    ]
    assert sorted(previews[0]) == [
        "panel-00000003.png",
        "panel-00000006.png",
        "panel-00000009.png",
        "panel-00000010-epoch002.png",
    ]
    assert previews[0] == previews[1]
    assert (one / "previews.mp4").read_bytes() == (other / "previews.mp4").read_bytes()


def test_sigterm_and_the_same_command_again_equal_unbroken(
    command, first, trained, smoke_config, tmp_path
):
    wait_for(first, "Step 4 of")  # the evaluation comes next, then step 5
    with pytest.raises(InUseError, match=f"is in use by process {first.pid} on "):
        train(smoke_config(), tmp_path)
    first.send_signal(signal.SIGTERM)
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 143, errors
    stopped = steps(tmp_path)[-1]
    assert stopped in (4, 5)
    assert f"Stopped by signal 15; saved step {stopped} of 8" in errors
    assert "Traceback" not in errors

    second = run_command(*command)
    assert second.returncode == 0, second.stderr
    assert f"Resuming from step {stopped}." in second.stderr
    assert steps(tmp_path) == sorted({4, stopped, 8})
    assert_same_checkpoint(tmp_path, trained, 8)
