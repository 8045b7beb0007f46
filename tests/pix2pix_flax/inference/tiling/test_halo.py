"""How far the border of a tile reaches into its output."""

from functools import partial

import jax
import numpy as np
import pytest

from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference import predictor as predictor_module
from pix2pix_flax.inference.tiling.halo import exact_halo, measured_halo
from tests.pix2pix_flax.inference.tiling.networks import ROUNDING, photograph, tiny_unet


@pytest.fixture
def floats(monkeypatch):
    """Predictors return floats, so that no difference is hidden by 8 bits."""
    monkeypatch.setattr(predictor_module, "denormalize", lambda images: images)


@pytest.mark.parametrize("upsample", ["resize", "transpose"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_exact_halo_is_as_far_as_differences_reach(depth, upsample, floats):
    network = tiny_unet(depth, upsample)
    halo = exact_halo(network.forward, network.variables, network.stride)
    size = 8 * network.stride
    whole = network(photograph(3 * size, 3 * size))[0, size : 2 * size, size : 2 * size]
    tile = network(photograph(3 * size, 3 * size)[:, size : 2 * size, size : 2 * size])[0]
    rows, columns, _ = np.nonzero(np.abs(tile - whole) > ROUNDING)
    distances = np.minimum(
        np.minimum(rows, size - 1 - rows), np.minimum(columns, size - 1 - columns)
    )
    assert distances.max() + 1 == halo == 2 * network.stride - 1


@pytest.mark.parametrize(("axis", "pixels"), [(1, 5), (1, -5), (2, 5), (2, -5)])
def test_the_exact_halo_counts_each_side(axis, pixels):
    def shift(variables, images):
        return variables * jax.numpy.roll(normalize(images), pixels, axis)

    def forward(variables, images):
        kept = jax.numpy.arange(images.shape[axis])
        inside = (kept - pixels >= 0) & (kept - pixels < images.shape[axis])
        inside = inside.reshape([-1 if a == axis else 1 for a in range(4)])
        return jax.numpy.where(inside, shift(variables, images), 0.0)

    assert exact_halo(forward, np.float32(1), 1) == 5


@pytest.mark.parametrize(("levels", "halo"), [(2, 5), (1, 0), (-3, 5), (0, 0)])
def test_the_measured_halo_is_the_smallest_that_is_within_one_level(levels, halo):
    def run(tiles, ring=5):  # wrong by so many levels in a ring of five pixels
        output = np.clip(tiles, 10, 245).astype(np.int16)
        output[:, ring:-ring, ring:-ring] += levels
        return np.uint8(output)

    for size in ((30, 40), (97, 200)):
        assert measured_halo(run, photograph(*size)[0], tile=48, stride=8) == halo
    # A ring of a quarter of a tile leaves no place where both of two tiles are right.
    found = measured_halo(partial(run, ring=4), photograph(30, 40)[0], tile=16, stride=8)
    assert found == (None if halo else 0)
