import dataclasses
import logging

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType

from pix2pix_flax.sharding import by_batch, make_mesh, put_batch, replicated
from pix2pix_flax.tasks.factory import make_task
from tests import plain

RATE = 0.02


def make_batch(seed=0):
    """Pairs that get brighter from one to the next, so that no two devices see like ones."""
    rng = np.random.default_rng(seed)
    brightness = 60 * np.arange(4).reshape(4, 1, 1, 1)
    return {
        name: (brightness + rng.integers(0, 60, (4, 16, 16, 3))).astype(np.uint8)
        for name in ("input", "target")
    }


def recording_sgd():
    """SGD that keeps the gradients as its state, to look at."""
    return optax.GradientTransformation(
        lambda params: jax.tree.map(jnp.zeros_like, params),
        lambda gradients, state, params: (jax.tree.map(lambda g: -RATE * g, gradients), gradients),
    )


@pytest.fixture(scope="module")
def runs():
    """States and metrics of five steps on one and on four devices, from the same beginning."""
    config = plain.get_config("smoke")
    with config.unlocked():
        config.sizes.crop = 16
        config.generator.width = config.discriminator.width = 4
        config.generator.dropout = 0.5
        config.loss_weights.l1 = 1.0
    task = make_task(config, 100)
    net = dataclasses.replace(task.step.gen.net, optimizer=recording_sgd())
    gen = dataclasses.replace(task.step.gen, net=net)
    net = dataclasses.replace(task.step.disc.net, optimizer=recording_sgd())
    disc = dataclasses.replace(task.step.disc, net=net)
    task = dataclasses.replace(task, step=dataclasses.replace(task.step, gen=gen, disc=disc))
    state = jax.jit(task.init)(jax.random.key(0), make_batch())
    step = jax.jit(task.train_step)

    def train(devices):
        mesh = make_mesh(4, devices)
        steps = []
        current = jax.device_put(state, replicated(mesh))
        for seed in range(5):
            current, metrics = step(current, put_batch(make_batch(seed), mesh))
            steps.append((current, metrics))
        return steps

    return train(jax.devices()[:1]), train(jax.devices())


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def assert_close(a, b, relative=0.0, absolute=0.0):
    """Relative to the largest value of each array."""
    for x, y in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=absolute + relative * np.abs(y).max())


def test_losses_and_gradients_are_those_of_one_device(runs):
    (one, one_metrics), (four, four_metrics) = runs[0][0], runs[1][0]
    assert len(one.step.devices()) == 1
    assert len(four.step.devices()) == 4
    assert_close(four_metrics, one_metrics, relative=1e-5)
    for name in ("gen", "disc"):
        gradients = leaves(one.nets[name].opt_state)
        # Small ones may be differences of large sums, so not each relative to itself.
        largest = max(np.abs(leaf).max() for leaf in gradients)
        assert_close(four.nets[name].opt_state, gradients, absolute=1e-5 * largest)


def test_batch_norm_takes_the_global_batch(runs):
    (one, _), (four, _) = runs[0][0], runs[1][0]
    for name in ("gen", "disc"):
        assert jax.tree.leaves(one.nets[name].model_state)
        assert_close(four.nets[name].model_state, one.nets[name].model_state, relative=1e-5)
    # The parts of the devices have statistics of their own: taken alone they would differ.
    parts = make_batch()["input"].mean((1, 2, 3))
    assert np.diff(parts).min() > 50


def test_parameters_after_five_steps_of_sgd_are_those_of_one_device(runs):
    (one, _), (four, _) = runs[0][-1], runs[1][-1]
    for name in ("gen", "disc", "gen_ema"):
        assert_close(four.nets[name].params, one.nets[name].params, absolute=1e-6)
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), runs[0][0][0].nets, one.nets)
    assert min(jax.tree.leaves(moved["gen"].params)) > 1e-6


def test_states_stay_replicated(runs):
    four, metrics = runs[1][-1]
    assert all(leaf.is_fully_replicated for leaf in jax.tree.leaves((four, metrics)))


@pytest.mark.parametrize(("batch_size", "count"), [(8, 4), (4, 4), (6, 3), (2, 2), (5, 1), (1, 1)])
def test_mesh_has_as_many_devices_as_divide_the_batch_and_says_so(batch_size, count, caplog):
    with caplog.at_level(logging.WARNING):
        mesh = make_mesh(batch_size)
    assert mesh.size == count
    # Under explicit axes linen.Dropout raises.
    assert mesh.axis_types == (AxisType.Auto,)
    messages = [record.getMessage() for record in caplog.records]
    expected = f"Using {count} of 4 devices, because they must divide the batch of {batch_size}."
    assert messages == ([] if count == 4 else [expected])


def test_batches_are_split_and_states_are_not():
    mesh = make_mesh(8)
    pictures = np.arange(8 * 2 * 2 * 3, dtype=np.uint8).reshape(8, 2, 2, 3)
    placed = put_batch({"input": pictures}, mesh)["input"]
    np.testing.assert_array_equal(placed, pictures)
    assert placed.sharding == by_batch(mesh)
    parts = {shard.device.id: np.asarray(shard.data) for shard in placed.addressable_shards}
    assert [part.shape[0] for part in parts.values()] == [2, 2, 2, 2]
    whole = jax.device_put(pictures, replicated(mesh))
    assert [shard.data.shape[0] for shard in whole.addressable_shards] == [8, 8, 8, 8]
