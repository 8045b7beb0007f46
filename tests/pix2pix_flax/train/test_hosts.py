"""Two processes with two devices each must train as one process with four does."""

import json
import shutil
import signal

import numpy as np
import pytest

from pix2pix_flax.checkpoint.integrity import is_described, verify
from pix2pix_flax.data.pipeline import make_train_iterator
from pix2pix_flax.train import train
from tests.pix2pix_flax.data.shards import NAME, SHARD, flip_a_bit
from tests.pix2pix_flax.train.checkpoint_files import run_data
from tests.pix2pix_flax.train.host_processes import (
    codes,
    running,
    started,
    stderr,
    wait_for,
    wait_until,
)

STEPS = 24
CHANGES = {"train__steps": STEPS, "train__log_every_steps": 1}
FLAGS = (f"--config.train.steps={STEPS}", "--config.train.log_every_steps=1")


@pytest.fixture(scope="module")
def unbroken(trained_once):
    """The work directory of one process with four devices."""
    return trained_once("supervised", "one_host", **CHANGES)


@pytest.fixture
def config(smoke_config):
    return smoke_config("supervised", **CHANGES)


def lines(workdir):
    return [json.loads(line) for line in (workdir / "log.jsonl").read_text().splitlines()]


def steps(workdir):
    names = [path.name for path in (workdir / "checkpoints").iterdir()]
    assert all(name.isdigit() for name in names), names
    return sorted(map(int, names))


def assert_equal_losses(workdir, unbroken):
    """Each line of the log must be that of the unbroken run, to 1e-5."""
    expected = {}
    for line in lines(unbroken):
        expected.setdefault(line["step"], {}).update(line)
    seen = set()
    for line in lines(workdir):
        seen.add(line["step"])
        for name, value in line.items():
            if name.startswith(("gen/", "disc/", "validation/")):
                assert value == pytest.approx(expected[line["step"]][name], rel=1e-5), line
    assert seen == set(range(1, STEPS + 1))


def test_two_hosts_then_one_end_as_one(unbroken, config, tmp_path):
    workdir = tmp_path / "run"
    with started(workdir, config.data, *FLAGS) as hosts:
        wait_for("Step 5 of", workdir, hosts)
        hosts[1].send_signal(signal.SIGTERM)  # the other host must hear of it
        assert codes(hosts) == [143, 143], stderr(workdir, 0) + stderr(workdir, 1)
    stopped = steps(workdir)[-1]
    assert 5 <= stopped < STEPS
    step = workdir / "checkpoints" / str(stopped)
    assert is_described(step)
    verify(step)
    assert "Step" not in stderr(workdir, 1)  # it logs warnings only

    assert train(config, workdir) == 0
    assert_equal_losses(workdir, unbroken)


def test_the_parts_of_the_hosts_are_the_batch_of_one(smoke_config):
    config = smoke_config("supervised")
    whole = make_train_iterator(config, batch_size=4, seed=0)
    parts = [make_train_iterator(config, batch_size=4, seed=0, shard=(n, 2)) for n in range(2)]
    for _ in range(8):  # beyond an epoch
        expected, found = next(whole), [next(part) for part in parts]
        for name, images in expected.items():
            np.testing.assert_array_equal(np.concatenate([f[name] for f in found]), images)
        assert [part.get_state() for part in parts] == [whole.get_state()] * 2


@pytest.mark.long
def test_two_then_one_then_four_then_two_hosts_end_as_one(unbroken, config, tmp_path):
    workdir = tmp_path / "run"
    for count, end in ((2, 4), (1, 9), (4, 14)):
        with started(workdir, config.data, *FLAGS, count=count) as hosts:
            wait_for(f"Step {end} of", workdir, hosts)
            hosts[-1].send_signal(signal.SIGTERM)
            assert codes(hosts) == [143] * count
    with started(workdir, config.data, *FLAGS) as hosts:
        assert codes(hosts, 200) == [0, 0]
    assert_equal_losses(workdir, unbroken)


# Two hosts that meet until one of them ends.
MEETING = """
import time
from pix2pix_flax.cli import command
from pix2pix_flax.sharding import largest_of_hosts
from pix2pix_flax.train.hosts import joined

def main(argv):
    with joined(True):
        while largest_of_hosts([1.0]) == [1.0]:
            print("met", flush=True)
            time.sleep(0.1)

command.run(main)
"""


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("ended", [0, 1])
def test_the_end_of_a_host_ends_the_other_with_one_line(ended, number, tmp_path):
    with running(tmp_path / "run", ["-c", MEETING], 2) as hosts:
        wait_for("met", tmp_path / "run", hosts)
        hosts[ended].send_signal(number)
        code = codes([hosts[1 - ended]])[0]
        errors = stderr(tmp_path / "run", 1 - ended)
    assert "most recent call" not in errors  # neither a traceback nor the stacks of the threads
    *others, last = filter(None, errors.splitlines())
    if code == -signal.SIGABRT:  # on a busy machine: JAX notices the end of the first host at once
        assert (ended, number) == (0, signal.SIGKILL)
        assert "another task died" in errors
        return
    assert code == 1
    assert last.startswith("error: Another host has ended or does not answer")
    if (ended, number) != (0, signal.SIGKILL):
        assert all(line == "met" or line.startswith("[Gloo] Rank") for line in others)


@pytest.mark.long
def test_the_end_of_a_host_ends_a_training_which_goes_on(unbroken, config, tmp_path):
    workdir = tmp_path / "run"
    with started(workdir, config.data, *FLAGS) as hosts:
        wait_for("Step 5 of", workdir, hosts)
        wait_until((workdir / "checkpoints" / "4").exists)  # it is saved beside the next steps
        hosts[1].kill()
        assert codes(hosts[:1]) == [1]
    assert stderr(workdir, 0).splitlines()[-1].startswith("error: Another host has ended")
    assert "Traceback" not in stderr(workdir, 0)
    assert steps(workdir) == [4]
    with started(workdir, config.data, *FLAGS) as hosts:
        assert codes(hosts, 200) == [0, 0]
    assert "Resuming from step 4." in stderr(workdir, 0)
    assert_equal_losses(workdir, unbroken)


@pytest.mark.long
def test_a_damaged_record_ends_both_hosts_after_a_checkpoint(
    dataset_dir, unbroken, smoke_config, tmp_path
):
    shutil.copytree(dataset_dir / NAME, tmp_path / "data" / NAME)
    shard = tmp_path / "data" / NAME / "2.0.0" / SHARD.format("train")
    flip_a_bit(shard)
    config, workdir = smoke_config("supervised"), tmp_path / "run"
    config.data.data_dir = str(tmp_path / "data")
    with started(workdir, config.data, *FLAGS) as hosts:
        assert codes(hosts, 120) == [1, 1]
    errors = sorted(stderr(workdir, number).splitlines()[-1] for number in range(2))
    assert "error: Another host cannot read its part of a batch" in errors[0]
    assert f"error: Record 12 of {shard} is damaged" in errors[1]
    (saved,) = steps(workdir)
    assert run_data(workdir, saved)["data"]["position"] == {"next_index": saved}
