"""A run of the first layout of configurations stays readable for good.

data/first_layout_run.tar.xz holds its checkpoint (a styled U-Net of width 2, 60 steps), the file
first_layout_run.npz an image and its translations by the code of that time.
"""

import tarfile
from pathlib import Path

import jax
import numpy as np
import pytest

from pix2pix_flax.checkpoint.manager import Checkpoints, find_checkpoint, read_config
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.steps.adversarial import AdversarialStep
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.tasks.styled import Styled

DATA = Path(__file__).with_name("data")


@pytest.fixture(scope="module")
def older_run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("older")
    with tarfile.open(DATA / "first_layout_run.tar.xz") as archive:
        archive.extractall(workdir, filter="data")
    return workdir


@pytest.mark.parametrize("style", ["ink", "soft"])
def test_it_translates_as_it_did(older_run, style):
    with np.load(DATA / "first_layout_run.npz") as arrays:
        image, expected = arrays["image"], arrays[style]
    found = load_predictor(older_run, style=style)(image)
    # Processors round sums differently, by one level of 255 at most.
    np.testing.assert_allclose(found, expected.astype(int), atol=1)
    assert expected.std() > 5


def test_its_whole_state_is_restored(older_run):
    config = read_config(find_checkpoint(older_run))
    task = make_task(config, total_steps=60)
    assert isinstance(task.representation, Styled)
    assert isinstance(task.step, AdversarialStep)
    shape = (config.train.batch_size, config.sizes.canvas, config.sizes.canvas)
    batch = {
        "input": jax.ShapeDtypeStruct((*shape, 4), np.uint8),
        "target": jax.ShapeDtypeStruct((*shape, 3), np.uint8),
    }
    target = jax.eval_shape(task.init, jax.random.key(0), batch)
    target = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=jax.sharding.SingleDeviceSharding(jax.devices()[0])
        ),
        target,
    )
    checkpoints = Checkpoints(older_run, keep=1, best_metric="l1")
    restored = checkpoints.restore(target)
    checkpoints.close()
    assert int(restored.state.step) == 60
    assert set(restored.state.nets) == {"gen", "gen_ema", "disc"}
