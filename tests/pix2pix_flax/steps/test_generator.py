"""What a training step changes, and by how much; what the tasks can be asked for."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from configs import default, l1
from pix2pix_flax import losses
from pix2pix_flax.image.augment import jitter
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks.base import Task
from pix2pix_flax.tasks.factory import make_task

WEIGHTS = {"gan": 1.0, "l1": 10.0, "l2": 5.0}
RATE = 0.1


def make_config(module=default, **changes):
    config = module.get_config("smoke")
    with config.unlocked():
        config.sizes.crop = 16
        config.generator.width = 4
        if "discriminator" in config:
            config.discriminator.width = 4
        for path, value in changes.items():
            *parents, last = path.split("__")
            functools.reduce(getattr, parents, config)[last] = value
    return config


def make_batch(count=4, size=20, seed=0):
    """Pairs of coarse patterns."""
    drawn = np.random.default_rng(seed).integers(
        0, 256, (2, count, size // 4, size // 4, 3), np.uint8
    )
    return dict(zip(("input", "target"), drawn.repeat(4, 2).repeat(4, 3), strict=True))


def recording_sgd():
    """SGD that keeps the gradients as its state, to look at."""
    return optax.GradientTransformation(
        lambda params: jax.tree.map(jnp.zeros_like, params),
        lambda gradients, state, params: (jax.tree.map(lambda g: -RATE * g, gradients), gradients),
    )


class Run(NamedTuple):
    """A few steps of a task, all terms and dropout on."""

    task: Task
    step: jax.stages.Wrapped
    before: TrainState
    after: TrainState
    metrics: dict


@pytest.fixture(scope="module")
def run():
    weights = {**dict.fromkeys(default.get_config().loss_weights, 0.0), **WEIGHTS}
    task = make_task(make_config(generator__dropout=0.5, loss_weights=weights), 100)
    net = dataclasses.replace(task.step.disc.net, optimizer=recording_sgd())
    disc = dataclasses.replace(task.step.disc, net=net)
    net = dataclasses.replace(task.step.gen.net, optimizer=recording_sgd())
    gen = dataclasses.replace(task.step.gen, net=net)
    task = dataclasses.replace(task, step=dataclasses.replace(task.step, gen=gen, disc=disc))
    step = jax.jit(task.train_step)
    before = jax.jit(task.init)(jax.random.key(0), make_batch())
    for seed in range(3):
        before, _ = step(before, make_batch(seed=seed))
    return Run(task, step, before, *step(before, make_batch(seed=3)))


@pytest.fixture(scope="module")
def naive(run):
    """The same step as two losses of two networks, each with passes of its own."""
    gen, disc = run.before.nets["gen"], run.before.nets["disc"]
    # Step n draws from fold_in(rng, n).
    augment_rng, rng = jax.random.split(jax.random.fold_in(run.before.rng, 3))
    pair = jitter(augment_rng, make_batch(seed=3), **run.task.augment)
    pair = jax.tree.map(normalize, pair)

    def generate(params):
        return run.task.module.apply(
            {"params": params, **gen.model_state},
            pair["input"],
            train=True,
            rngs={"dropout": rng},
            mutable=["batch_stats"],
        )

    def judge(params, statistics, images):
        seen = jnp.concatenate([pair["input"], images], -1)
        variables = {"params": params, **statistics}
        (logits,), moved = run.task.step.disc.net.module.apply(
            variables, seen, train=True, mutable=["batch_stats"]
        )
        return logits, moved

    def cross_entropy(logits, label):
        return optax.sigmoid_binary_cross_entropy(logits, jnp.full_like(logits, label)).mean()

    def disc_loss(params):
        real, statistics = judge(params, disc.model_state, pair["target"])
        fake, statistics = judge(params, statistics, generate(gen.params)[0])
        parts = cross_entropy(real, 1.0), cross_entropy(fake, 0.0)
        return (parts[0] + parts[1]) / 2, (parts, real, fake, statistics)

    def term(name, disc_params, statistics, params):
        images, _ = generate(params)
        if name == "gan":
            return cross_entropy(judge(disc_params, statistics, images)[0], 1.0)
        return losses.RECONSTRUCTION_LOSSES[name](images, pair["target"])

    def everything():
        values, disc_gradients = jax.value_and_grad(disc_loss, has_aux=True)(disc.params)
        moved = jax.tree.map(lambda p, g: p - RATE * g, disc.params, disc_gradients)
        statistics = values[1][-1]
        terms = {
            name: jax.value_and_grad(functools.partial(term, name, moved, statistics))(gen.params)
            for name in WEIGHTS
        }
        third_pass = judge(moved, statistics, generate(gen.params)[0])[1]
        return values, disc_gradients, terms, generate(gen.params)[1], third_pass

    names = ("disc_values", "disc_gradients", "terms", "gen_statistics", "third_pass")
    return dict(zip(names, jax.jit(everything)(), strict=True))


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def differs(a, b):
    return [bool(np.any(x != y)) for x, y in zip(leaves(a), leaves(b), strict=True)]


def assert_close(a, b, relative=1e-5):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=relative, atol=relative * np.abs(y).max())


def assert_same_gradients(a, b):
    """Relative to the network's largest one: small ones may be differences of large sums."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    largest = max(np.abs(leaf).max() for leaf in leaves(b))
    for x, y in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-5 * largest)


def test_step_changes_every_network_and_nothing_else(run):
    before, after = run.before, run.after
    assert set(after.nets) == {"gen", "disc", "gen_ema"}
    for name in after.nets:
        assert all(differs(before.nets[name].params, after.nets[name].params)), name
        assert all(differs(before.nets[name].model_state, after.nets[name].model_state)), name
    assert int(after.step) == int(before.step) + 1 == 4
    assert not any(differs(jax.random.key_data(before.rng), jax.random.key_data(after.rng)))
    assert jax.tree.map(jnp.shape, before) == jax.tree.map(jnp.shape, after)
    assert jax.tree.map(jnp.result_type, before) == jax.tree.map(jnp.result_type, after)


def test_generator_gradients_equal_those_of_two_losses(run, naive):
    gradients = [naive["terms"][name][1] for name in WEIGHTS]
    weighted = jax.tree.map(
        lambda *parts: sum(w * part for w, part in zip(WEIGHTS.values(), parts, strict=True)),
        *gradients,
    )
    # Equal, so nothing of the discriminator's loss is in it; and likewise the other way round.
    assert_same_gradients(run.after.nets["gen"].opt_state, weighted)
    assert_same_gradients(run.after.nets["disc"].opt_state, naive["disc_gradients"])


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_term_moves_every_parameter_of_the_generator(naive, name):
    assert all(np.abs(leaf).max() > 0 for leaf in leaves(naive["terms"][name][1]))


def test_discriminator_statistics_are_moved_by_its_own_update_only(run, naive):
    after_two_passes = naive["disc_values"][1][-1]
    assert_close(run.after.nets["disc"].model_state, after_two_passes)
    for two, three in zip(leaves(after_two_passes), leaves(naive["third_pass"]), strict=True):
        assert not np.allclose(two, three, rtol=1e-4)
    assert_close(run.after.nets["gen"].model_state, naive["gen_statistics"])


def test_metrics(run, naive):
    _, ((real, fake), real_logits, fake_logits, _) = naive["disc_values"]
    terms = {name: value for name, (value, _) in naive["terms"].items()}
    expected = {f"gen/{name}": value for name, value in terms.items()} | {
        "gen/loss": sum(WEIGHTS[name] * value for name, value in terms.items()),
        "gen/grad_norm": norm(run.after.nets["gen"].opt_state),
        "disc/loss": 0.5 * (real + fake),
        "disc/real": real,
        "disc/fake": fake,
        "disc/accuracy_real": (real_logits > 0).mean(),
        "disc/accuracy_fake": (fake_logits < 0).mean(),
        "disc/grad_norm": norm(run.after.nets["disc"].opt_state),
    }
    assert_close(run.metrics, expected)


def norm(tree):
    return np.sqrt(sum(np.sum(np.square(leaf)) for leaf in leaves(tree)))


@pytest.mark.parametrize(("step", "keep"), [(3, 4 / 13), (100_000, 0.999)])
def test_average_warms_up_and_covers_the_statistics(run, step, keep):
    before = run.before.replace(step=jnp.int32(step))
    after, _ = run.step(before, make_batch())
    for part in ("params", "model_state"):
        expected = jax.tree.map(
            lambda average, new: keep * average + (1 - keep) * new,
            getattr(before.nets["gen_ema"], part),
            getattr(after.nets["gen"], part),
        )
        assert_close(getattr(after.nets["gen_ema"], part), expected)
    assert after.nets["gen_ema"].opt_state == ()
    assert after.generator is after.nets["gen_ema"]


def test_draws_follow_the_key_and_the_step_only(run):
    same, _ = run.step(run.before, make_batch(seed=3))
    assert not any(differs(same.nets, run.after.nets))
    later, _ = run.step(run.before.replace(step=run.before.step + 1), make_batch(seed=3))
    other, _ = run.step(run.before.replace(rng=jax.random.key(7)), make_batch(seed=3))
    for state in (later, other):
        assert any(differs(state.nets["gen"].params, run.after.nets["gen"].params))


def test_no_average_without_a_decay():
    task = make_task(make_config(l1, ema_decay=0.0), 100)
    state = jax.eval_shape(task.init, jax.random.key(0), make_batch())
    assert set(state.nets) == {"gen"}
    assert state.generator is state.nets["gen"]
    state, metrics = jax.eval_shape(task.train_step, state, make_batch())
    assert set(state.nets) == {"gen"}
    assert set(metrics) == {"gen/loss", "gen/l1", "gen/grad_norm"}
