import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.image.diff_augment import POLICIES, diff_augment

KEY = jax.random.key(3)


def images(count=64, size=16):
    return jnp.asarray(np.random.default_rng(0).uniform(-0.4, 0.4, (count, size, size, 3)))


@functools.cache
def compiled(policy, probability):
    return jax.jit(functools.partial(diff_augment, policy=policy, probability=probability))


def changed(x, *policy, probability=1.0, key=KEY):
    return compiled(policy, probability)(key, x)


def test_nothing_to_do_changes_nothing():
    np.testing.assert_array_equal(changed(images()), images())
    np.testing.assert_array_equal(changed(images(), "cutout", probability=0.0), images())


def test_probability_is_that_of_an_image():
    moved = (changed(images(400), "colour", probability=0.3) != images(400)).any((1, 2, 3))
    assert 0.22 < moved.mean() < 0.38


def test_each_image_has_its_own_draw_and_a_key_always_the_same():
    same = jnp.repeat(images(1), 8, axis=0)
    for name in POLICIES:
        out = np.asarray(changed(same, name))
        assert len({image.tobytes() for image in out}) > 4, name
        np.testing.assert_array_equal(out, changed(same, name))
        assert not np.array_equal(out, changed(same, name, key=jax.random.key(4))), name


def test_colour_keeps_its_ranges():
    flat = jnp.full((500, 4, 4, 3), 0.25)
    shift = changed(flat, "colour").mean((1, 2, 3)) - 0.25
    assert -0.5 <= shift.min() < -0.45
    assert 0.45 < shift.max() <= 0.5
    # Of grey images contrast alone changes the spread.
    ramp = jnp.broadcast_to(jnp.linspace(-0.2, 0.2, 8)[None, :, None, None], (500, 8, 8, 3))
    spread = changed(ramp, "colour").std((1, 2, 3)) / ramp.std((1, 2, 3))
    assert 0.5 <= spread.min() < 0.55
    assert 1.45 < spread.max() <= 1.501
    # And of a hue around grey that has no spread saturation alone.
    red = jnp.broadcast_to(jnp.array([0.2, -0.1, -0.1]), (500, 4, 4, 3))
    out = changed(red, "colour")
    assert float(jnp.abs(out[:, :1, :1] - out).max()) < 1e-6  # still flat
    assert float((out.std(-1) / red.std(-1)).min()) < 0.1


def test_translation_moves_by_up_to_an_eighth_and_leaves_zeros():
    ones = jnp.ones((500, 16, 16, 3))
    out = changed(ones, "translation")
    rows = np.asarray((out[..., 0] == 1).any(2).sum(1))
    columns = np.asarray((out[..., 0] == 1).any(1).sum(1))
    assert set(rows) == set(columns) == {14, 15, 16}
    assert set(np.unique(out)) == {0.0, 1.0}


def test_cutout_is_a_square_of_half_the_side():
    out = np.asarray(changed(jnp.ones((500, 16, 16, 3)), "cutout"))
    hole = (out == 0).all(-1)
    assert hole.any(2).sum(1).max() == hole.any(1).sum(1).max() == 8
    assert hole.sum((1, 2)).max() == 64
    assert hole.sum((1, 2)).min() < 32  # partly outside


@pytest.mark.parametrize("name", list(POLICIES))
def test_gradients_flow_through(name):
    gradient = jax.grad(lambda x: jnp.square(changed(x, name)).sum())(images())
    assert (jnp.abs(gradient).sum((1, 2, 3)) > 0).all()


def test_unknown_policy_is_named():
    with pytest.raises(ValueError, match="may list colour, translation, cutout, not 'color'"):
        changed(images(), "color")
