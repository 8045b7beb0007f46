"""The consistency term is zero for what moves with its input, and only for that."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage

from configs import default
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.losses.consistency import Consistency
from pix2pix_flax.tasks.factory import make_task
from tests import plain, supervised

RNG = jax.random.key(3)


@pytest.fixture(scope="module")
def photos():
    """Four pieces of a photograph, float32 [4, 48, 64, 3] in [-1, 1]."""
    coffee = skimage.data.coffee()
    return normalize(
        jnp.stack([coffee[80 * i : 80 * i + 48, 60 * i : 60 * i + 64] for i in range(4)])
    )


def test_views_are_the_images_and_the_same_moved(photos):
    consistency = Consistency(max_shift=3, noise=0.0)
    views = consistency.views(RNG, photos)
    assert views.shape == (8, 48, 64, 3)
    np.testing.assert_array_equal(views[:4], photos)
    for image, moved, offset in zip(photos, views[4:], consistency.draw(RNG, 4), strict=True):
        np.testing.assert_array_equal(moved, np.roll(image, offset, axis=(0, 1)))


def test_half_of_the_shifts_are_none_and_the_others_of_all_sizes_both_ways():
    offsets = np.asarray(Consistency(max_shift=2, noise=0.0).draw(RNG, 1000))
    assert set(offsets[:, 0]) == set(offsets[:, 1]) == {-2, -1, 0, 1, 2}
    assert (offsets == 0).all(axis=1).mean() == pytest.approx(0.5 + 0.5 / 25, abs=0.05)
    moved = offsets[(offsets != 0).any(axis=1)]
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.1


def noise_of(count):
    """Returns the noise of grey images, [count, 56, 88, 3]."""
    consistency = Consistency(max_shift=0, noise=0.04)
    return np.asarray(consistency.views(RNG, jnp.zeros((count, 56, 88, 3))))[count:]


def test_noise_is_at_most_as_strong_as_said_and_only_in_what_is_moved(photos):
    views = Consistency(max_shift=0, noise=0.05).views(RNG, 0.5 * photos)
    np.testing.assert_array_equal(views[:4], 0.5 * photos)
    fine = np.diff(noise_of(200), axis=2)[:, :, ::2]  # larger grains are the same in both pixels
    halvings = -np.log2(fine.std(axis=(1, 2, 3)) / np.sqrt(2) / 0.04)
    assert halvings.min() == pytest.approx(0, abs=0.1)
    assert halvings.max() == pytest.approx(4, abs=0.1)
    assert halvings.mean() == pytest.approx(2, abs=0.25)
    assert np.abs(Consistency(max_shift=0, noise=9.0).views(RNG, photos)).max() == 1


def test_noise_has_grains_of_several_sizes():
    noise = noise_of(8)
    fine = np.diff(noise, axis=2)[:, :, ::2].std(axis=(1, 2, 3), keepdims=True) / np.sqrt(2)
    # The mean of k x k pixels divides the deviation of finer grains, and keeps larger ones.
    variances = 0.25 ** np.arange(4.0)
    for size in (1, 2, 4, 8):
        pixels = (noise / fine).reshape(8, 56 // size, size, 88 // size, size, 3)
        shares = [min(1.0, (grain / size) ** 2) for grain in (1, 2, 4, 8)]
        expected = np.sqrt(np.dot(variances, shares))
        assert np.std(pixels.mean(axis=(2, 4))) == pytest.approx(expected, rel=0.06)


def test_what_moves_with_its_input_has_no_loss(photos):
    consistency = Consistency(max_shift=4, noise=0.0)
    views = consistency.views(RNG, photos)
    assert consistency.loss(RNG, views) == 0
    assert consistency.loss(RNG, 0.3 * views**3 - 0.1) == 0  # colours changed, place kept
    assert consistency.loss(jax.random.key(4), views) > 0.02  # of other translations


def test_loss_is_the_mean_difference_away_from_the_borders(photos):
    consistency = Consistency(max_shift=2, noise=0.0)
    outputs = np.random.default_rng(0).normal(size=(8, 48, 64, 3)).astype(np.float32)
    expected = [
        np.abs(moved - np.roll(first, offset, axis=(0, 1)))[10:-10, 10:-10]
        for first, moved, offset in zip(
            outputs[:4], outputs[4:], np.asarray(consistency.draw(RNG, 4)), strict=True
        )
    ]
    assert consistency.loss(RNG, jnp.asarray(outputs)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_what_is_bound_to_the_grid_has_a_loss_with_a_gradient(photos):
    consistency = Consistency(max_shift=4, noise=0.0)
    views = consistency.views(RNG, photos)

    def loss(strength):
        blocks = views.reshape(8, 6, 8, 8, 8, 3).mean((2, 4), keepdims=True)
        return consistency.loss(
            RNG, views + strength * (blocks * jnp.ones((8, 1, 8, 1))).reshape(views.shape)
        )

    value, gradient = jax.value_and_grad(loss)(1.0)
    assert value > 0.01
    assert gradient > 0.01


@pytest.mark.parametrize("module", [plain, supervised])
def test_training_with_and_without(module):
    batch = {
        name: np.random.default_rng(seed).integers(0, 256, (2, 40, 40, 3), np.uint8)
        for seed, name in enumerate(("input", "target"))
    }
    gradients = {}
    for weight in (0.0, 5.0):
        config = module.get_config("smoke")
        with config.unlocked():
            config.loss_weights.consistency = weight
        task = make_task(config, 10)
        state = jax.jit(task.init)(jax.random.key(0), batch)
        after, metrics = jax.jit(task.train_step)(state, batch)
        assert ("gen/consistency" in metrics) == bool(weight)
        gradients[weight] = metrics["gen/grad_norm"]
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(after.nets))
        if weight:
            terms = {name: metrics[f"gen/{name}"] for name in task.step.gen.weights}
            total = sum(task.step.gen.weights[name] * value for name, value in terms.items())
            assert metrics["gen/loss"] == pytest.approx(float(total), rel=1e-5)
            assert metrics["gen/consistency"] > 0
    assert gradients[0.0] != gradients[5.0]


def test_crop_that_is_all_border_is_refused():
    config = default.get_config("smoke")
    with config.unlocked():
        config.loss_weights.consistency = 1.0
        config.sizes.crop = 24
    task = make_task(config, 10)
    batch = {name: np.zeros((2, 40, 40, 3), np.uint8) for name in ("input", "target")}
    state = jax.eval_shape(task.init, jax.random.key(0), batch)
    with pytest.raises(
        ValueError,
        match=r"config\.sizes\.crop must be over 24 for config\.loss_weights\.consistency",
    ):
        jax.eval_shape(task.train_step, state, batch)
