"""The discriminator of DCGAN compares the images of a group with each other."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.models.dcgan import DCGANDiscriminator, append_deviation


def make_discriminator(group):
    settings = {"depth": 2, "width": 4, "norm": "none", "spectral_norm": False}
    return DCGANDiscriminator(**settings, deviation_group=group)


def draw(*shape):
    return jax.random.normal(jax.random.key(0), shape)


def test_the_new_channel_is_the_deviation_within_the_group():
    maps = draw(8, 3, 5, 2)
    found = append_deviation(maps, 4)
    assert found.shape == (8, 3, 5, 3)
    np.testing.assert_array_equal(found[..., :2], maps)
    for first in (0, 1):  # a group is every second image: 0, 2, 4, 6 and 1, 3, 5, 7
        deviation = np.std(maps[first::2], axis=0).mean()
        np.testing.assert_allclose(found[first::2, ..., 2], deviation, rtol=1e-4)


@pytest.mark.parametrize(("batch", "group", "images"), [(6, 4, 2), (5, 4, 1), (2, 8, 2), (8, 8, 8)])
def test_a_batch_that_the_group_does_not_divide_has_smaller_groups(batch, group, images):
    maps = draw(batch, 2, 2, 3)
    np.testing.assert_array_equal(append_deviation(maps, group), append_deviation(maps, images))


def test_images_that_are_all_alike_deviate_by_zero_and_have_a_gradient():
    alike = jnp.broadcast_to(draw(1, 4, 4, 3), (4, 4, 4, 3))
    np.testing.assert_allclose(append_deviation(alike, 4)[..., 3], 0, atol=2e-4)
    slopes = jax.grad(lambda maps: append_deviation(maps, 4).sum())(alike)
    assert np.isfinite(slopes).all()


def test_bfloat16_maps_are_compared_in_float32():
    maps = (300 + draw(4, 4, 4, 3)).astype(jnp.bfloat16)
    found = append_deviation(maps, 4)
    assert found.dtype == jnp.bfloat16
    expected = np.std(maps.astype(np.float32), axis=0).mean()
    np.testing.assert_allclose(found[..., 3].astype(np.float32), expected, rtol=0.01)


@pytest.mark.parametrize("group", [0, 4])
def test_a_logit_depends_on_the_other_images_only_with_a_group(group):
    module, images = make_discriminator(group), draw(4, 16, 16, 3)
    variables = jax.jit(lambda: module.init(jax.random.key(1), images, train=True))()
    judge = jax.jit(functools.partial(module.apply, train=True))
    others = images.at[1:].multiply(3)
    (before,), (after,) = judge(variables, images), judge(variables, others)
    assert before.shape == (4, 1, 1, 1)
    assert bool(before[0, 0, 0, 0] == after[0, 0, 0, 0]) == (group == 0)
