import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax import losses


def draw(*shape, scale=1.0, seed=0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def test_reconstruction_losses_equal_numpy():
    output, target = draw(2, 5, 7, 3), draw(2, 5, 7, 3, seed=1)
    difference = np.float64(output) - target
    expected = {"l1": np.mean(np.abs(difference)), "l2": np.mean(difference**2)}
    for name, value in expected.items():
        loss = losses.RECONSTRUCTION_LOSSES[name](output, target)
        assert loss.dtype == jnp.float32
        np.testing.assert_allclose(loss, value, rtol=1e-6)
    assert losses.RECONSTRUCTION_LOSSES.keys() == expected.keys()


@pytest.mark.parametrize("is_real", [True, False])
def test_gan_loss_equals_numpy(is_real):
    logits = draw(3, 4, 4, 1, scale=4.0)
    probability = 1 / (1 + np.exp(-np.float64(logits)))
    expected = -np.mean(np.log(probability if is_real else 1 - probability))
    np.testing.assert_allclose(losses.gan_loss(logits, is_real), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("is_real", [True, False])
def test_gan_loss_is_stable_for_large_logits(is_real, dtype):
    logits = jnp.full((2, 3, 3, 1), 200.0, dtype)
    for sign, expected in ((1, 0.0 if is_real else 200.0), (-1, 200.0 if is_real else 0.0)):
        value, gradient = jax.value_and_grad(losses.gan_loss)(sign * logits, is_real)
        np.testing.assert_allclose(value, expected, atol=1e-6)
        # Of a mean over 18 logits: sigmoid(logit) - label, over 18.
        slope = (1.0 if sign > 0 else 0.0) - is_real
        np.testing.assert_allclose(np.float32(gradient), slope / 18, rtol=4e-3, atol=1e-9)


def test_an_undecided_discriminator_costs_log_two():
    logits = jnp.zeros((1, 2, 2, 1))
    np.testing.assert_allclose(losses.gan_loss(logits, True), np.log(2), rtol=1e-6)
    np.testing.assert_allclose(losses.gan_loss(logits, False), np.log(2), rtol=1e-6)
