"""A wider network that begins as a narrower one."""

import functools

import jax
import numpy as np
import pytest

from pix2pix_flax.models.unet import Unet
from pix2pix_flax.pretrained.generator import load_generator, started_from
from pix2pix_flax.pretrained.growth import can_grow, grown
from pix2pix_flax.tasks.factory import make_task

KINDS = {
    "drawing in layers": {"cel_steps": 6, "fine_width": 4},
    "colours": {"fine_width": 4, "residual": True, "norm": "instance"},
    "paper": {"upsample": "transpose", "fine_width": 0},
}


def unet(kind, factor):
    settings = {"norm": "batch", "upsample": "resize", **KINDS[kind]}
    settings["fine_width"] *= factor
    return Unet(depth=4, width=4 * factor, out_channels=3, dropout=0.0, **settings)


def initial(network, images, seed=0):
    return jax.jit(lambda key: network.init(key, images, train=False))(jax.random.key(seed))


def applied(network, train):
    """Returns the compiled network: (variables, images) -> images and statistics."""
    return jax.jit(functools.partial(network.apply, train=train, mutable=["batch_stats"]))


def started(network, images, seed):
    """Returns variables with lively kernels, and statistics of BatchNorm that are no longer 0."""
    variables = initial(network, images, seed)
    lively = jax.tree.map(lambda leaf: 4 * leaf if leaf.ndim > 1 else leaf, variables["params"])
    variables, train = {**variables, "params": lively}, applied(network, train=True)
    for _ in range(3):
        _, changed = train(variables, images)
        variables = {**variables, **changed}
    return variables


@pytest.mark.parametrize("kind", KINDS)
def test_the_wider_network_computes_the_same_and_has_channels_to_learn_with(kind):
    images = jax.random.uniform(jax.random.key(0), (2, 48, 32, 3), minval=-1)
    narrow, wide = unet(kind, 1), unet(kind, 3)
    trained, fresh = started(narrow, images, 1), started(wide, images, 2)
    variables = grown(trained, fresh, narrow.depth)
    jax.tree.map(
        lambda found, wanted: np.testing.assert_equal(found.shape, wanted.shape), variables, fresh
    )
    for train in (False, True):
        draw = applied(wide, train)
        expected, _ = applied(narrow, train)(trained, images)
        found, _ = draw(variables, images)
        np.testing.assert_allclose(found, expected, atol=2e-4)
        other, _ = draw(fresh, images)
        assert np.abs(other - expected).max() > 0.02

    def loss(params):
        output = wide.apply({**variables, "params": params}, images, train=False)
        return (output**2).mean()

    gradient = jax.jit(jax.grad(loss))(variables["params"])
    new_inputs = gradient["down2"]["kernel"][:, :, 8:, :16]
    assert np.count_nonzero(new_inputs) > 0.9 * new_inputs.size


def test_only_to_the_same_arrays_with_more_channels():
    images = np.zeros((1, 16, 16, 3), np.float32)
    narrow, wide, other = (
        initial(unet(kind, factor), images)
        for kind, factor in (("colours", 1), ("colours", 2), ("paper", 2))
    )
    assert can_grow(narrow, wide)
    assert can_grow(narrow, narrow)
    assert not can_grow(wide, narrow)
    assert not can_grow(narrow, other)


def test_not_to_more_outputs():
    images = np.zeros((1, 16, 16, 3), np.float32)
    settings = {"norm": "batch", "upsample": "resize", "dropout": 0.0}
    for fine_width in (0, 4):
        two, three = (
            initial(Unet(4, 4, outputs, fine_width=fine_width, **settings), images)
            for outputs in (2, 3)
        )
        assert not can_grow(two, three)


def test_a_training_begins_with_the_drawings_of_lite(smoke_config):
    lite = load_generator("lite")
    config = smoke_config()
    with config.unlocked():
        config.generator = lite.config.generator.copy_and_resolve_references()
        config.generator.width, config.generator.fine_width = 24, 12
    task = make_task(config, 1)
    images = jax.random.uniform(jax.random.key(0), (1, 64, 64, 3), minval=-1)
    state = jax.jit(task.init)(jax.random.key(0), {"input": images, "target": images})
    gen = started_from("lite", state).nets["gen"]
    found, _ = applied(task.module, train=False)(gen.variables, images)
    expected, _ = applied(lite.task.module, train=False)(lite.variables, images)
    np.testing.assert_allclose(found, expected, atol=1e-4)
