"""Two processes with two devices each must train as one process with four does."""

import json
import signal

import numpy as np
import pytest

from pix2pix_flax.checkpoint.integrity import is_described, verify
from pix2pix_flax.train import train
from tests.pix2pix_flax.train.host_processes import codes, started, stderr, wait_for

STEPS = 24
CHANGES = {"train__steps": STEPS, "train__log_every_steps": 1}
FLAGS = (f"--config.train.steps={STEPS}", "--config.train.log_every_steps=1")


@pytest.fixture(scope="module")
def unbroken(trained_once):
    """The work directory of one process with four devices."""
    return trained_once("l1", "one_host", **CHANGES)


@pytest.fixture
def config(smoke_config):
    return smoke_config("l1", **CHANGES)


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
        hosts[1].kill()
        assert codes(hosts[:1]) == [1]
        errors = stderr(workdir, 0)
    assert "error: Another host has ended" in errors
    assert "Traceback" not in errors
    assert steps(workdir) == [4]

    with started(workdir, config.data, *FLAGS) as hosts:
        wait_for("Step 10 of", workdir, hosts)
        hosts[1].send_signal(signal.SIGTERM)  # the other host must hear of it
        assert codes(hosts) == [143, 143], stderr(workdir, 0) + stderr(workdir, 1)
    assert "Resuming from step 4." in stderr(workdir, 0)
    stopped = steps(workdir)[-1]
    assert 10 <= stopped < STEPS
    step = workdir / "checkpoints" / str(stopped)
    assert is_described(step)
    verify(step)
    assert "Step" not in stderr(workdir, 1)  # it logs warnings only

    assert train(config, workdir) == 0
    assert_equal_losses(workdir, unbroken)


def test_the_parts_of_the_hosts_are_the_batch_of_one(smoke_config):
    from pix2pix_flax.data.pipeline import make_train_iterator

    config = smoke_config("l1")
    whole = make_train_iterator(config, batch_size=4, seed=0)
    parts = [make_train_iterator(config, batch_size=4, seed=0, shard=(n, 2)) for n in range(2)]
    for _ in range(8):  # beyond an epoch
        expected, found = next(whole), [next(part) for part in parts]
        for name, images in expected.items():
            np.testing.assert_array_equal(np.concatenate([f[name] for f in found]), images)
        assert [part.get_state() for part in parts] == [whole.get_state()] * 2
