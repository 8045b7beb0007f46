import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cartoon_tfds.errors import UserError
from configs import default
from pix2pix_flax.checkpoint.manager import Checkpoints
from pix2pix_flax.steps.optimizers import make_optimizer, make_schedule
from pix2pix_flax.tasks.factory import make_task
from tests import plain, supervised


def make_config(**changes):
    config = default.get_config().optimizer
    with config.unlocked():
        config.update(changes)
    return config


def rates(steps, total_steps=100, **changes):
    schedule = make_schedule(make_config(**changes), total_steps)
    return np.array([schedule(step) for step in steps])


def test_constant_schedule():
    np.testing.assert_allclose(rates([0, 50, 99, 100], schedule="constant"), 2e-4)


@pytest.mark.parametrize(
    ("decay_start", "steps", "shares"),
    [
        (0.5, [0, 49, 50, 51, 75, 99, 100, 200], [1, 1, 1, 0.98, 0.5, 0.02, 0, 0]),
        (0.0, [0, 1, 50, 100], [1, 0.99, 0.5, 0]),
        (1.0, [0, 99, 100], [1, 1, 1]),
    ],
)
def test_linear_decay(decay_start, steps, shares):
    found = rates(steps, decay_start=decay_start)
    np.testing.assert_allclose(found, 2e-4 * np.array(shares), rtol=1e-4, atol=1e-11)


@pytest.mark.parametrize(
    ("decay_start", "steps", "shares"),
    [
        (0.0, [0, 25, 50, 75, 100, 200], [1, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 0, 0]),
        (0.5, [0, 50, 75, 100], [1, 1, 0.5, 0]),
        (1.0, [0, 99], [1, 1]),
    ],
)
def test_cosine(decay_start, steps, shares):
    found = rates(steps, schedule="cosine", decay_start=decay_start)
    np.testing.assert_allclose(found, 2e-4 * np.array(shares), rtol=1e-4, atol=1e-11)


def test_steps():
    found = rates([0, 29, 30, 59, 60, 99], schedule="step", step_every=0.3, step_factor=0.5)
    np.testing.assert_allclose(found, 2e-4 * np.array([1, 1, 0.5, 0.5, 0.25, 0.125]), rtol=1e-5)


@pytest.mark.parametrize("schedule", ["constant", "linear_decay", "step", "cosine"])
def test_warmup_is_a_factor_of_every_schedule(schedule):
    steps = [0, 4, 9, 10, 30, 80]
    found = rates(steps, schedule=schedule, warmup=0.1, decay_start=0.2)
    factors = np.array([0.1, 0.5, 1, 1, 1, 1])
    np.testing.assert_allclose(
        found, factors * rates(steps, schedule=schedule, decay_start=0.2), rtol=1e-6
    )


@pytest.mark.parametrize("schedule", ["constant", "linear_decay", "step", "cosine"])
def test_a_training_of_one_step_has_a_rate(schedule):
    np.testing.assert_allclose(rates([0], 1, schedule=schedule, warmup=0.5), [2e-4], rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": "poly"}, r"optimizer\.schedule must be one of constant, linear_decay, step,"),
        ({"name": "sgd"}, r"optimizer\.name must be one of adam, adamw, not 'sgd'"),
        ({"warmup": 1.5}, r"optimizer\.warmup is a share of the training, from 0 to 1, not 1\.5"),
        ({"decay_start": -0.1}, r"optimizer\.decay_start is a share"),
        ({"step_every": 5.0}, r"optimizer\.step_every is a share"),
        ({"accumulate_steps": 0}, r"optimizer\.accumulate_steps must be at least 1, not 0"),
        ({"max_grad_norm": -1.0}, r"optimizer\.max_grad_norm must be at least 0, not -1\.0"),
        ({"weight_decay": -1.0}, r"optimizer\.weight_decay must be at least 0"),
    ],
)
def test_what_cannot_be_is_named(changes, message):
    with pytest.raises(UserError, match=message):
        make_optimizer(make_config(**changes), 100)


def run(optimizer, params, gradients):
    """Yields the updates of each step."""
    state = optimizer.init(params)
    for gradient in gradients:
        updates, state = optimizer.update(gradient, state, params)
        yield updates
        params = optax.apply_updates(params, updates)


def test_adam_takes_its_settings_and_follows_the_schedule():
    optimizer = make_optimizer(make_config(b1=0.5, b2=0.9), total_steps=2)
    gradients, rates_ = [3.0, -1.0, 2.0], [2e-4, 2e-4, 0.0]
    found = run(optimizer, jnp.array([1.0]), [jnp.array([gradient]) for gradient in gradients])
    mean = variance = 0.0
    for step, (gradient, rate, updates) in enumerate(zip(gradients, rates_, found, strict=True), 1):
        mean = 0.5 * mean + 0.5 * gradient
        variance = 0.9 * variance + 0.1 * gradient**2
        direction = mean / (1 - 0.5**step) / (np.sqrt(variance / (1 - 0.9**step)) + 1e-8)
        np.testing.assert_allclose(updates, [-rate * direction], rtol=1e-4, atol=1e-12)


def test_adamw_decays_kernels_and_nothing_else():
    params = {"kernel": jnp.full((3, 3, 2, 2), 0.5), "bias": jnp.full(2, 0.5)}
    gradients = [jax.tree.map(jnp.ones_like, params)]
    config = {"weight_decay": 0.1, "learning_rate": 1e-2}
    (plain,) = run(make_optimizer(make_config(**config), 100), params, gradients)
    (decayed,) = run(make_optimizer(make_config(name="adamw", **config), 100), params, gradients)
    np.testing.assert_array_equal(decayed["bias"], plain["bias"])
    np.testing.assert_allclose(
        decayed["kernel"], plain["kernel"] - 1e-2 * 0.1 * params["kernel"], rtol=1e-5
    )


def test_long_gradients_are_shortened():
    # Adam forgets the length of a gradient, unless others came before it.
    params = {"a": jnp.zeros(1), "b": jnp.zeros(1)}
    steps = [{"a": jnp.array([x]), "b": jnp.array([y])} for x, y in ((0.3, 0.4), (30.0, -40.0))]
    shortened = [steps[0], jax.tree.map(lambda leaf: leaf / 50, steps[1])]
    *_, clipped = run(make_optimizer(make_config(max_grad_norm=1.0), 10), params, steps)
    *_, expected = run(make_optimizer(make_config(), 10), params, shortened)
    *_, unclipped = run(make_optimizer(make_config(), 10), params, steps)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), clipped, expected)
    assert np.abs(unclipped["b"] - clipped["b"]) > 1e-5


def test_accumulated_gradients_are_averaged_and_the_schedule_ends_with_the_training():
    config = {"schedule": "linear_decay", "decay_start": 0.0, "max_grad_norm": 3.0}
    gradients = np.random.default_rng(0).normal(0, 5, (12, 2)).astype(np.float32)
    found = list(
        run(make_optimizer(make_config(accumulate_steps=3, **config), 12), jnp.zeros(2), gradients)
    )
    means = gradients.reshape(4, 3, 2).mean(1)  # shortened, once they are averaged
    expected = list(run(make_optimizer(make_config(**config), 4), jnp.zeros(2), means))
    for step, updates in enumerate(found):
        wanted = expected[step // 3] if step % 3 == 2 else np.zeros(2)
        np.testing.assert_allclose(updates, wanted, rtol=1e-4)
    assert np.abs(found[11]).max() < 0.5 * np.abs(found[2]).max()  # the last of four rates


def train(batches, module=plain, **changes):
    """Returns the states after each batch, for networks without statistics of the batch."""
    config = module.get_config("smoke")
    with config.unlocked():
        config.generator.update(norm="none", width=4)
        if "discriminator" in config:
            config.discriminator.update(norm="none", width=4)
        config.sizes.crop, config.augment.flip = 16, False  # what is drawn changes nothing
        config.optimizer.update({"schedule": "constant", "learning_rate": 1e-3, **changes})
    task = make_task(config, 2 * len(batches))
    states, step = [jax.jit(task.init)(jax.random.key(0), batches[0])], jax.jit(task.train_step)
    for batch in batches:
        states.append(step(states[-1], batch)[0])
    return states


def make_batches(count, size):
    images = np.random.default_rng(0).integers(0, 256, (2, count, size, 4, 4, 3), np.uint8)
    images = images.repeat(4, 3).repeat(4, 4)
    return [{"input": a, "target": b} for a, b in zip(*images, strict=True)]


def assert_close(a, b):
    largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(b))
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=0, atol=1e-4 * largest), a, b)


def mean_gradients(state):
    """Adam's mean of a network's gradients, to which one step added half of its own."""
    return optax.tree.get(state.opt_state, "mu")


def test_micro_batches_equal_one_large_batch():
    small = make_batches(count=4, size=2)
    large = [
        {name: np.concatenate([a[name], b[name]]) for name in a} for a, b in (small[:2], small[2:])
    ]
    accumulated = train(small, supervised, accumulate_steps=2)
    whole = train(large, supervised)
    for index in (1, 2):
        micro, one = accumulated[2 * index].nets["gen"], whole[index].nets["gen"]
        assert_close(mean_gradients(micro), mean_gradients(one))
        assert_close(micro.params, one.params)
    waiting = [accumulated[step].nets["gen"].params for step in (0, 1)]
    jax.tree.map(np.testing.assert_array_equal, *waiting)
    assert int(accumulated[-1].step) == 4  # counts batches


def test_both_networks_of_a_gan_accumulate():
    small = make_batches(count=2, size=2)
    large = [{name: np.concatenate([a[name] for a in small]) for name in small[0]}]
    start, waiting, accumulated = train(small, accumulate_steps=2)
    whole = train(large)[-1]
    assert_close(*(mean_gradients(state.nets["disc"]) for state in (accumulated, whole)))
    for name in ("gen", "disc"):
        jax.tree.map(
            np.testing.assert_array_equal, start.nets[name].params, waiting.nets[name].params
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "adamw", "weight_decay": 0.5},
        {"max_grad_norm": 1e-3, "accumulate_steps": 2},
        {"schedule": "cosine", "warmup": 0.5},
        {"schedule": "step"},
    ],
    ids=str,
)
def test_a_task_trains_with_it(changes):
    first, *_, last = train(make_batches(count=4, size=2), **changes)
    for name in ("gen", "disc"):
        pairs = zip(
            *(jax.tree.leaves(state.nets[name].params) for state in (first, last)), strict=True
        )
        moved = [np.abs(a - b).max() for a, b in pairs]
        assert np.isfinite(moved).all()
        assert min(moved) > 0


def test_a_checkpoint_holds_gradients_that_wait(tmp_path):
    changes = {"name": "adamw", "max_grad_norm": 1.0, "accumulate_steps": 2}
    *_, state = train(make_batches(count=3, size=2), supervised, **changes)
    settings = {"keep": 1, "best_metric": "l1"}
    checkpoints = Checkpoints(tmp_path, **settings)
    checkpoints.save(state, {}, {})
    checkpoints.close()  # which waits for the file
    checkpoints = Checkpoints(tmp_path, **settings)
    restored = checkpoints.restore(jax.tree.map(jnp.zeros_like, state)).state
    checkpoints.close()
    waiting = jax.tree.leaves(optax.tree.get(restored.nets["gen"].opt_state, "acc_grads"))
    assert waiting
    assert all(np.any(leaf != 0) for leaf in waiting)
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(restored.nets), jax.tree.leaves(state.nets), strict=True):
        np.testing.assert_array_equal(a, b)
