"""The two commands of a first training: build `public`, and train `default.py` on it."""

from pathlib import Path

import pytest

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder
from tests.commands import run_command

STEPS = 2
TRAIN = ("-m", "pix2pix_flax.main", "--config=configs/default.py", f"--config.train.steps={STEPS}")


@pytest.mark.long
def test_the_default_training_runs_on_the_public_dataset(public_archives, tmp_path):
    Builder(config="public", data_dir=tmp_path).download_and_prepare()
    workdir = tmp_path / "run"
    flags = (f"--config.data.data_dir={tmp_path}", "--config.train.batch_size=2")
    run = run_command(*TRAIN, *flags, f"--workdir={workdir}")
    assert run.returncode == 0, run.stderr
    assert "Training translation on cartoon_tfds/public" in run.stderr
    last = run.stderr.splitlines()[-1]
    assert f"Best step: {STEPS}" in last
    assert "Next: pix2pix-flax cartoonize" in last
    assert (workdir / "checkpoints" / str(STEPS)).is_dir()
    assert list(Path(workdir, "previews").iterdir())
