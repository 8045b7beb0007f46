"""Any size goes in and comes out, whole and in tiles, with the values of the bare network."""

import jax
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.models.unet import Unet

PHOTO = np.tile(skimage.data.chelsea(), (3, 2, 1))[np.newaxis]
EXTREMES = [(1, 1), (1, 2), (2, 1), (1, 600), (600, 1), (2, 599), (3, 5), (600, 600)]
DRAWN = np.random.default_rng(3).integers(1, 601, (8, 2)).tolist()
SIZES = EXTREMES + [tuple(size) for size in DRAWN]
TILE = 64


@pytest.fixture(scope="module")
def network():
    """A U-Net of stride 4, and random weights with which it uses its whole range."""
    module = Unet(2, 8, 3, "batch", "resize", dropout=0.0)
    variables = module.init(jax.random.key(0), np.zeros((1, 4, 4, 3), np.float32), train=False)
    return module, jax.tree.map(lambda leaf: 15 * leaf if leaf.ndim > 1 else leaf, variables)


@pytest.fixture(scope="module")
def predict(network):
    module, _ = network
    return Predictor(
        lambda variables, images: module.apply(variables, images / 127.5 - 1.0, train=False),
        network[1],
        module.stride,
    )


@pytest.fixture(scope="module")
def tiled(predict):
    return TiledPredictor(predict, tile=TILE, halo="exact")


def reflected(image, multiple):
    """Returns a picture [H, W, C] that goes on as in a mirror until its sides are multiples."""
    margins = [(0, -length % multiple) for length in image.shape[:2]] + [(0, 0)]
    for axis, margin in enumerate(margins):
        only = [margin if a == axis else (0, 0) for a in range(3)]
        image = np.pad(image, only, "edge" if image.shape[axis] == 1 else "reflect")
    return image


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "{}x{}".format(*size))
def test_any_size(size, network, predict, tiled):
    height, width = size
    images = PHOTO[:, :height, :width]
    output = predict(images)
    assert output.dtype == np.uint8
    assert output.shape == images.shape
    np.testing.assert_array_equal(tiled(images), output)

    module, variables = network
    padded = reflected(images[0], module.stride)[np.newaxis]
    if padded.size > 3 * TILE**2:
        assert (tiled.halo, tiled.exact_halo, tiled.seam) == (7, 7, 0)
    inputs = padded.astype(np.float32) / 127.5 - 1
    floats = jax.jit(module.apply, static_argnames="train")(variables, inputs, train=False)
    exact = 127.5 * (np.asarray(floats, np.float64)[:, :height, :width] + 1)
    assert np.abs(output - exact).max() <= 0.5 + 1e-3
    assert output.std() > 10 or min(size) < 3
