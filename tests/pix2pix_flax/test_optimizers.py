import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
import pytest

from pix2pix_flax.optimizers import make_optimizer, make_schedule

SETTINGS = {"learning_rate": 2e-4, "schedule": "linear_decay", "decay_start": 0.5}


def rates(steps, **changes):
    schedule = make_schedule(**{**SETTINGS, "total_steps": 100, **changes})
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


def test_a_training_of_one_step_has_a_rate():
    np.testing.assert_allclose(rates([0], total_steps=1), [2e-4], rtol=1e-6)


def test_an_unknown_schedule_is_named():
    with pytest.raises(ValueError, match=r"optimizer\.schedule must be one of constant, linear_d"):
        rates([0], schedule="cosine")


def test_adam_takes_its_settings_and_follows_the_schedule():
    config = ml_collections.ConfigDict({**SETTINGS, "b1": 0.5, "b2": 0.9})
    optimizer = make_optimizer(config, total_steps=2)
    params, state = jnp.array([1.0]), None
    state = optimizer.init(params)
    mean = variance = 0.0
    for step, (gradient, rate) in enumerate([(3.0, 2e-4), (-1.0, 2e-4), (2.0, 0.0)], 1):
        mean = 0.5 * mean + 0.5 * gradient
        variance = 0.9 * variance + 0.1 * gradient**2
        direction = mean / (1 - 0.5**step) / (np.sqrt(variance / (1 - 0.9**step)) + 1e-8)
        updates, state = optimizer.update(jnp.array([gradient]), state, params)
        np.testing.assert_allclose(updates, [-rate * direction], rtol=1e-4, atol=1e-12)
        params = optax.apply_updates(params, updates)
