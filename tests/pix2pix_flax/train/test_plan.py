"""The plan of a training: true figures, the errors of the training, and no file written."""

import re

import jax
import pytest

from pix2pix_flax.checkpoint.integrity import CheckpointError
from pix2pix_flax.data.source import DatasetError
from pix2pix_flax.pretrained.generator import load_generator
from pix2pix_flax.train import make_plan, train
from tests.commands import run_command


def rows(text):
    """Returns the values of a plan by name."""
    return dict(re.split(" {2,}", line, maxsplit=1) for line in text.splitlines())


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def megabytes(text):
    number, unit = re.match(r"([\d.]+) (MB|GB)", text).groups()
    return float(number) * {"MB": 1, "GB": 1000}[unit]


def test_the_command_prints_the_plan_and_writes_nothing(dataset_dir, tmp_path):
    data = ["--config.data.name=cartoon_tfds/tiny", f"--config.data.data_dir={dataset_dir}"]
    flags = ["--config=configs/l1.py:smoke", f"--workdir={tmp_path / 'run'}", *data]
    done = run_command("-m", "pix2pix_flax.main", *flags, "--dry_run", "--config.train.steps=20")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1  # the command tells that it compiles
    assert list(tmp_path.iterdir()) == []
    starts = {
        line.index(value)
        for line, value in zip(done.stdout.splitlines(), rows(done.stdout).values(), strict=True)
    }
    assert len(starts) == 1  # aligned
    found = rows(done.stdout)
    assert found["training"] == f"translation in {tmp_path / 'run'}"
    assert found["dataset"].endswith(f" in {dataset_dir}/cartoon_tfds/tiny/2.0.0")
    assert found["splits"] == "train 20, validation 4, test 8 examples"
    assert found["features"] == "photo (input), cartoon (target)"
    assert found["schedule"] == "20 steps of 4 examples, 4 epochs"
    assert found["evaluations"].startswith("5 of 4 examples, every 4 steps")
    assert found["learning rate"] == "0.0002 at the first step, 2e-05 at the last"
    image = "uint8 [4, 40, 40, 3]"
    assert found["batch"].startswith(f"input {image}, target {image}, read in ")
    step = float(found["step"].partition(" s")[0])
    evaluation = float(found["evaluation"].partition(" s")[0])
    hours = float(found["whole training"].partition(" h")[0])
    compilation = float(found["compilation"].partition(" s")[0])
    whole = compilation + 20 * step + 5 * evaluation
    assert hours * 3600 == pytest.approx(whole, rel=0.02)
    assert "advice" not in found


def test_advice_for_a_training_that_is_too_long_for_a_cpu(smoke_config, tmp_path, monkeypatch):
    monkeypatch.setattr("pix2pix_flax.train.plan._LONG", 1)  # seconds
    found = rows(make_plan(smoke_config(train__steps=10_000), tmp_path))
    assert "--config=demo" in found["advice"]


def test_a_run_goes_on_from_its_last_step(trained, smoke_config):
    before = contents(trained)
    found = rows(make_plan(smoke_config(train__steps=18), trained))
    assert contents(trained) == before
    assert found["training"] == f"translation in {trained}, goes on from step 8"
    assert found["evaluations"].startswith("3 of ")  # steps 12, 16 and 18
    assert found["whole training"].endswith(" for 10 steps")
    params = load_generator(trained).variables["params"]
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert found["network gen"] == f"{count:,} parameters"
    parts = dict(re.findall(r"(arguments|temporaries) ([\d.]+ MB)", found["memory of a step"]))
    # The state and a batch are arguments; the process holds Python and XLA too.
    assert megabytes(parts["arguments"]) >= megabytes(found["checkpoint"])
    assert megabytes(found["memory of the process"]) > megabytes(found["memory of a step"])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"generator__width": 4}, CheckpointError, "another network"),
        ({"seed": 1}, DatasetError, "take a new --workdir"),
        ({"train__batch_size": 0}, ValueError, "config.train.batch_size must be more than 0"),
        ({"data__name": "cartoon_tfds/none"}, DatasetError, "No prepared dataset"),
        ({"train__best_metric": "fid"}, ValueError, "config.train.best_metric must be one of"),
    ],
)
def test_errors_are_those_of_the_training(changes, error, message, trained, smoke_config, tmp_path):
    before = contents(trained)
    with pytest.raises(error, match=message) as planned:
        make_plan(smoke_config(**changes), trained)
    assert contents(trained) == before
    if "seed" in changes or "generator__width" in changes:
        return  # the training that raises them is tested in test_loop.py
    with pytest.raises(error) as trains:
        train(smoke_config(**changes), tmp_path / "run")
    assert str(planned.value) == str(trains.value)
