import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax import losses
from pix2pix_flax.losses import GAN_LOSSES


def draw(*shape, scale=1.0, seed=0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def test_reconstruction_losses_equal_numpy():
    output, target = draw(2, 5, 7, 3), draw(2, 5, 7, 3, seed=1)
    difference = np.float64(output) - target
    slopes = [np.mean(np.abs(np.diff(difference, axis=axis))) for axis in (1, 2)]
    expected = {
        "l1": np.mean(np.abs(difference)),
        "l2": np.mean(difference**2),
        "gradient": np.mean(slopes),
    }
    for name, value in expected.items():
        loss = losses.RECONSTRUCTION_LOSSES[name](output, target)
        assert loss.dtype == jnp.float32
        np.testing.assert_allclose(loss, value, rtol=1e-6)
    assert losses.RECONSTRUCTION_LOSSES.keys() == expected.keys()


def test_ink_counts_pixels_that_the_target_darkens():
    inputs = np.zeros((1, 1, 4, 3), np.float32)
    target = inputs + np.float32([0.3, 0, -0.2, -0.8])[:, None]
    output = target + 0.1
    found = losses.ink(output, target, inputs)
    np.testing.assert_allclose(found, 0.1 * np.mean([0, 0, 0.5, 1]), rtol=1e-5)
    with pytest.raises(ValueError, match="the shapes must be equal, not"):
        losses.ink(output, target, inputs[:, :, :3])


def test_white_counts_pixels_that_are_white_in_the_target():
    target = np.float32([[[[1.0, 1.0, 1.0], [1.0, 0.85, 0.7], [0.8, 0.7, 0.75], [-1, -1, -1]]]])
    found = losses.white(target - 0.1, target)
    np.testing.assert_allclose(found, 0.1 * np.mean([1, 0.5, 0, 0]), rtol=1e-5)
    with pytest.raises(ValueError, match="the shapes must be equal, not"):
        losses.white(target, target[:, :, :3])


@pytest.mark.parametrize("name", losses.RECONSTRUCTION_LOSSES)
@pytest.mark.parametrize("shape", [(2, 1, 1, 3), (2, 5, 7, 1), (5, 7, 3)])
def test_shape_mismatch(name, shape):
    loss = losses.RECONSTRUCTION_LOSSES[name]
    with pytest.raises(ValueError, match="the shapes must be equal, not"):
        loss(draw(2, 5, 7, 3), draw(*shape))


def test_shape_mismatch_of_classes():
    with pytest.raises(ValueError, match="the shapes must be equal, not"):
        losses.cross_entropy(draw(2, 5, 7, 4), np.zeros((2, 1, 7), np.int32))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FORMULAS = {
    "vanilla": {
        "real": lambda x: -np.log(sigmoid(x)),
        "fake": lambda x: -np.log(1 - sigmoid(x)),
        "gen": lambda x: -np.log(sigmoid(x)),
    },
    "lsgan": {
        "real": lambda x: (x - 1) ** 2,
        "fake": lambda x: x**2,
        "gen": lambda x: (x - 1) ** 2,
    },
    "hinge": {
        "real": lambda x: -np.minimum(0, x - 1),
        "fake": lambda x: -np.minimum(0, -x - 1),
        "gen": lambda x: -x,
    },
    "wgan-gp": {"real": lambda x: -x, "fake": lambda x: x, "gen": lambda x: -x},
}
FORMULAS["relativistic"] = FORMULAS["vanilla"]  # of how far one logit exceeds another


@pytest.mark.parametrize("name", GAN_LOSSES)
@pytest.mark.parametrize("player", ["real", "fake", "gen"])
def test_gan_losses_equal_numpy(name, player):
    logits = draw(3, 4, 4, 1, scale=4.0)
    values = getattr(GAN_LOSSES[name], player)(logits)
    expected = FORMULAS[name][player](np.float64(logits))
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", GAN_LOSSES)
def test_players_pull_logits_apart_and_together(name):
    """Real ones up and generated ones down; up again by the generator."""
    for player, sign in (("real", -1), ("fake", 1), ("gen", -1)):
        slope = jax.grad(getattr(GAN_LOSSES[name], player))(0.25)
        assert sign * slope > 0


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("player", ["real", "fake"])
def test_cross_entropy_is_stable_for_large_logits(player, dtype):
    loss = getattr(GAN_LOSSES["vanilla"], player)
    is_real = player == "real"
    for sign, expected in ((1, 0.0 if is_real else 200.0), (-1, 200.0 if is_real else 0.0)):
        value, gradient = jax.value_and_grad(loss)(jnp.asarray(sign * 200.0, dtype))
        np.testing.assert_allclose(np.float32(value), expected, atol=1e-6)
        slope = (1.0 if sign > 0 else 0.0) - is_real  # sigmoid(logit) - label
        np.testing.assert_allclose(np.float32(gradient), slope, atol=1e-6)


def test_an_undecided_discriminator_costs_log_two():
    logits = [jnp.zeros((1, 2, 2, 1))]
    for player in GAN_LOSSES["vanilla"][:3]:
        np.testing.assert_allclose(losses.mean_loss(player, logits), np.log(2), rtol=1e-6)


def test_scales_weigh_the_same():
    fine, coarse = draw(2, 8, 8, 1), draw(2, 3, 3, 1, seed=1)
    expected = (np.mean(fine**2) + np.mean(coarse**2)) / 2
    np.testing.assert_allclose(losses.mean_loss(jnp.square, [fine, coarse]), expected, rtol=1e-6)
    scores = losses.image_scores([fine, coarse])
    expected = [(fine[i].mean() + coarse[i].mean()) / 2 for i in range(2)]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_thresholds():
    real, fake = [draw(2, 4, 4, 1), draw(2, 2, 2, 1)], [draw(2, 4, 4, 1, seed=1), 5 + draw(2, 3)]
    for name, at in {"vanilla": 0.0, "lsgan": 0.5, "hinge": 0.0}.items():
        assert losses.thresholds(GAN_LOSSES[name], real, fake) == [at, at]
    midway = losses.thresholds(GAN_LOSSES["wgan-gp"], real, fake)
    expected = [(a.mean() + b.mean()) / 2 for a, b in zip(real, fake, strict=True)]
    np.testing.assert_allclose(midway, expected, rtol=1e-5)


def test_penalties_equal_numpy():
    slopes = draw(4, 3, 5, 2)
    norms = np.sqrt([np.sum(np.float64(slope) ** 2) for slope in slopes])
    expected = np.mean((norms - 1) ** 2)
    np.testing.assert_allclose(losses.gradient_penalty(slopes), expected, rtol=1e-5)
    np.testing.assert_allclose(losses.slope_penalty(slopes), np.mean(norms**2) / 2, rtol=1e-5)


@pytest.mark.parametrize("penalty", [losses.gradient_penalty, losses.slope_penalty])
def test_penalties_have_a_gradient_at_zero(penalty):
    value, gradient = jax.value_and_grad(penalty)(jnp.zeros((2, 3, 3, 1)))
    assert value == {"gradient_penalty": 1.0, "slope_penalty": 0.0}[penalty.__name__]
    np.testing.assert_array_equal(gradient, 0.0)


def test_feature_matching_equals_numpy_and_leaves_the_real_ones_alone():
    real = [draw(2, 8, 8, 4), draw(2, 4, 4, 8), draw(2, 4, 4, 4)]
    fake = [draw(*layer.shape, seed=1) for layer in real]
    expected = sum(np.mean(np.abs(a - b)) for a, b in zip(real, fake, strict=True)) / 2
    gradient = jax.value_and_grad(losses.feature_matching, (0, 1))
    value, (by_real, by_fake) = gradient(real, fake, 2)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    for untouched, layer in zip(by_real, by_fake, strict=True):
        np.testing.assert_array_equal(untouched, 0.0)
        np.testing.assert_allclose(np.abs(layer), 1 / 2 / layer.size, rtol=1e-6)
