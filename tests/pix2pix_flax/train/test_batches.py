"""Batches that the devices cut themselves, from examples in their memory."""

import jax
import numpy as np
import pytest

from cartoon_tfds.errors import UserError
from pix2pix_flax.pretrained.generator import load_generator
from pix2pix_flax.sharding import make_mesh
from pix2pix_flax.train import batches, train
from tests.pix2pix_flax.data.test_examples import sizes  # noqa: F401 (a fixture)


@pytest.mark.parametrize("mode", ["crop", "resize"])
def test_two_epochs_and_a_resumed_run_have_the_same_pixels(mode, smoke_config, sizes):  # noqa: F811
    changes = {**sizes, "data__canvas_mode": mode}
    mesh = make_mesh(4)
    iterator, put = batches.make_batches(smoke_config(**changes), mesh)
    expected, positions = [], []
    for _ in range(10):
        positions.append(iterator.get_state())
        expected.append(put(next(iterator)))
    config = smoke_config(**changes, data__cache="device")
    for first in (0, 6):  # from the start, and from a state of the run without a cache
        iterator, put = batches.make_batches(config, mesh)
        iterator.set_state(positions[first])
        for wanted in expected[first:]:
            found = put(next(iterator))
            assert iterator.get_state().keys() == positions[0].keys()
            for name in ("input", "target"):
                np.testing.assert_array_equal(found[name], wanted[name])
                assert found[name].sharding == wanted[name].sharding


def test_a_training_is_the_same(smoke_config, trained, tmp_path):
    assert train(smoke_config(data__cache="device"), tmp_path) == 0
    for one, other in zip(
        jax.tree.leaves(load_generator(tmp_path).variables),
        jax.tree.leaves(load_generator(trained).variables),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_examples_that_do_not_fit_are_refused(smoke_config, monkeypatch):
    monkeypatch.setattr(batches, "available_bytes", lambda: 400_000)
    with pytest.raises(UserError, match=r"20 examples of 64x64 pixels take 0 MB, more than half"):
        batches.make_batches(smoke_config(data__cache="device"), make_mesh(4))
