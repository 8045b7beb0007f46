"""Colour hints: how many there are, which colours they show, and how they shrink."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.image.hints import draw_hints, exact_hints, shrink_hints

draw = jax.jit(draw_hints, static_argnames=("max_points", "max_patch"))


@pytest.fixture(scope="module")
def ab():
    """A colour for each pixel, nowhere 0."""
    return jnp.asarray(np.random.default_rng(0).uniform(0.1, 1.0, (256, 24, 32, 2)), jnp.float32)


def test_a_hint_of_one_pixel_has_the_colour_of_this_pixel(ab):
    hints = np.asarray(draw(jax.random.key(0), ab, max_points=20, max_patch=1))
    mask = hints[..., 2]
    assert set(np.unique(mask)) == {0.0, 1.0}
    np.testing.assert_allclose(hints[..., :2], mask[..., None] * ab, atol=1e-6)


def test_the_number_of_hints_is_geometric(ab):
    mask = np.asarray(draw(jax.random.key(1), ab, max_points=64, max_patch=1))[..., 2]
    counts = mask.sum((1, 2))
    whole = counts == mask[0].size
    assert 0 <= whole.sum() <= 10  # one of a hundred shows all its colours
    assert 0.06 < (counts == 0).mean() < 0.2  # an eighth
    assert 5 < counts[~whole].mean() < 8.5  # seven, and a few lie on one another


def test_a_larger_hint_has_the_mean_colour_of_its_square(ab):
    keys = jax.random.split(jax.random.key(2), len(ab))
    hints = np.asarray(exact_hints(keys, ab, 1, max_points=9, patch=5))
    for image, true in zip(hints[:8], np.asarray(ab), strict=False):
        rows, columns = np.nonzero(image[..., 2])
        assert np.ptp(rows) < 5
        assert np.ptp(columns) < 5
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        inside = image[..., 2] > 0
        np.testing.assert_allclose(image[inside, :2], [true[inside].mean(0)] * len(rows), rtol=1e-5)


def test_more_hints_keep_the_places_of_fewer(ab):
    keys = jax.random.split(jax.random.key(3), 4)
    draw = jax.jit(lambda points: exact_hints(keys, ab[:4], points, max_points=100, patch=1))
    masks = [np.asarray(draw(points))[..., 2] for points in (0, 1, 5, 100)]
    assert draw._cache_size() == 1
    assert [mask.sum() for mask in masks[:2]] == [0, 4]
    for fewer, more in itertools.pairwise(masks):
        assert (more >= fewer).all()


def test_a_single_pixel_survives_shrinking_with_its_colour():
    hints = np.zeros((1, 40, 60, 3), np.float32)
    hints[0, 17, 31] = 0.5, -0.25, 1.0
    small = np.asarray(shrink_hints(jnp.asarray(hints), 10, 15))
    marked = small[..., 2] > 0
    assert marked[0, 4, 7]
    assert 1 <= marked.sum() <= 4
    assert set(np.unique(small[..., 2])) == {0.0, 1.0}
    np.testing.assert_allclose(small[marked, :2], [[0.5, -0.25]] * marked.sum(), rtol=1e-5)
