"""What a configuration can ask of the discriminator and its loss."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cartoon_tfds.errors import UserError
from configs import l1
from pix2pix_flax.checkpoint.manager import Checkpoints
from pix2pix_flax.tasks.factory import make_task
from tests import plain


def make_config(module=plain, **changes):
    config = module.get_config("smoke")
    with config.unlocked():
        config.sizes.crop = 16
        config.generator.width = 4
        for path, value in changes.items():
            *parents, last = path.split("__")
            functools.reduce(getattr, parents, config)[last] = value
    return config


def make_batch(seed=0):
    drawn = np.random.default_rng(seed).integers(0, 256, (2, 4, 4, 4, 3), np.uint8)
    return dict(zip(("input", "target"), drawn.repeat(4, 2).repeat(4, 3), strict=True))


@pytest.mark.parametrize(
    ("changes", "scalars"),
    [
        ({"gan__loss": "lsgan", "discriminator__depth": 0}, set()),
        (
            {
                "gan__loss": "hinge",
                "gan__conditional": False,
                "discriminator__spectral_norm": True,
                "discriminator__scales": 2,
                "loss_weights__feature_matching": 10.0,
                "loss_weights__consistency": 1.0,
                "consistency": {"max_shift": 0, "noise": 0.06},
                "sizes__crop": 20,
            },
            {"gen/feature_matching", "gen/consistency"},
        ),
        (
            {"gan__loss": "wgan-gp", "gan__r1": 1.0, "discriminator__norm": "instance"},
            {"disc/r1", "disc/gradient_penalty"},
        ),
    ],
    ids=["lsgan", "hinge", "wgan-gp"],
)
def test_every_choice_trains_and_is_restored(changes, scalars, tmp_path):
    task = make_task(make_config(**changes), 100)
    batch = jax.tree.map(
        lambda images: np.pad(images, [(0, 0), (0, 8), (0, 8), (0, 0)]), make_batch()
    )
    before = state = jax.jit(task.init)(jax.random.key(0), batch)
    step = jax.jit(task.train_step)
    for _ in range(3):
        state, metrics = step(state, batch)
    assert scalars < set(metrics)
    assert np.isfinite(list(metrics.values())).all()
    for name in ("gen", "disc"):
        leaves = map(jax.tree.leaves, (before.nets[name].params, state.nets[name].params))
        # Biases that a norm or a difference takes away stay.
        assert all(np.any(a != b) for a, b in zip(*leaves, strict=True) if a.ndim > 1)
    assert step._cache_size() == 1

    checkpoints = Checkpoints(tmp_path, keep=1, best_metric="l1")
    checkpoints.save(state, {"config": {}}, {})
    checkpoints.close()
    restored = Checkpoints(tmp_path, keep=1, best_metric="l1").restore(state).state
    jax.tree.map(np.testing.assert_array_equal, restored.nets, state.nets)


@pytest.mark.parametrize(("conditional", "channels"), [(True, 6), (False, 3)])
def test_what_the_discriminator_sees(conditional, channels):
    task = make_task(make_config(gan__conditional=conditional), 100)
    state = jax.eval_shape(task.init, jax.random.key(0), make_batch())
    assert state.nets["disc"].params["Conv_0"]["kernel"].shape[2] == channels


def test_an_unconditional_discriminator_knows_nothing_of_the_inputs():
    task = make_task(make_config(gan__conditional=False, augment__flip=False), 100)
    batch, step = make_batch(), jax.jit(task.train_step)
    state = jax.jit(task.init)(jax.random.key(0), batch)
    # Other inputs, of which the generator makes the same.
    blind = jax.tree.map(jnp.zeros_like, state.nets["gen"].params)
    nets = {**state.nets, "gen": state.nets["gen"].replace(params=blind)}
    state = state.replace(nets=nets)
    after, _ = step(state, batch)
    other, _ = step(state, {**batch, "input": 255 - batch["input"]})
    jax.tree.map(
        np.testing.assert_array_equal, after.nets["disc"].params, other.nets["disc"].params
    )


@pytest.mark.parametrize(
    ("module", "changes", "message"),
    [
        (plain, {"gan__loss": "gan"}, "gan.loss must be one of vanilla, .*wgan-gp, not 'gan'"),
        (plain, {"gan__r1": -1.0}, "config.gan.r1 must be at least 0, not -1.0"),
        (plain, {"gan__loss": "wgan-gp"}, "config.discriminator.norm must be instance, group or"),
        (plain, {"gan__r1": 1.0}, "config.discriminator.norm must be instance, group or none"),
        (
            l1,
            {"loss_weights__feature_matching": 1.0},
            "feature_matching need a config.discriminator",
        ),
    ],
)
def test_what_cannot_be_is_named(module, changes, message):
    with pytest.raises(UserError, match=message):
        make_task(make_config(module, **changes), 100)
