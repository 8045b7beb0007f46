import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.inference.tiling.halo import exact_halo
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.models.compact import Compact
from pix2pix_flax.models.layers import initializer
from pix2pix_flax.models.srresnet import SRResNet
from pix2pix_flax.models.upscaling import icnr, pixel_shuffle

KEY = jax.random.key(0)
IMAGES = normalize(jnp.asarray(skimage.data.coffee()[None, 100:112, 200:216]))


def test_it_has_the_parameters_of_real_esrgans_repository():
    module = Compact(blocks=32, width=64, out_channels=3, scale=4)
    shapes = jax.eval_shape(lambda: module.init(KEY, IMAGES, train=False))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 1_213_296


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_a_fresh_network_nearly_repeats_pixels(scale):
    module = Compact(blocks=2, width=8, out_channels=3, scale=scale)
    output, _ = module.init_with_output(KEY, IMAGES, train=False)
    assert (output.shape, output.dtype) == ((1, 12 * scale, 16 * scale, 3), jnp.float32)
    nearest = IMAGES.repeat(scale, axis=1).repeat(scale, axis=2)
    assert 1e-4 < np.abs(output - nearest).max() < 0.5
    # No weave: the pixels that one pixel becomes are equal.
    first = output[:, ::scale, ::scale].repeat(scale, axis=1).repeat(scale, axis=2)
    np.testing.assert_allclose(output, first, atol=1e-6)


def test_icnr_makes_equal_pixels_of_one():
    kernel = icnr(initializer("normal"), 2)(KEY, (3, 3, 5, 24))
    assert kernel.std() == pytest.approx(0.02, rel=0.1)
    output = pixel_shuffle(jnp.einsum("bhwc,co->bhwo", jnp.ones((1, 4, 4, 5)), kernel[0, 0]), 2)
    np.testing.assert_allclose(output, output[:, :1, :1].repeat(8, 1).repeat(8, 2), atol=1e-6)


def test_an_untrained_srresnet_has_no_weave():
    module = SRResNet(blocks=1, width=4, out_channels=3, norm="none", scale=2)
    variables = module.init(KEY, IMAGES, train=False)
    _, seen = module.apply(
        variables, IMAGES, train=False, capture_intermediates=True, mutable=["intermediates"]
    )
    (features,) = seen["intermediates"]["up0"]["__call__"]
    (first, *others) = jnp.split(features, 4, axis=-1)
    assert first.std() > 0
    for other in others:
        np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("scale", [2, 3])
def test_tiles_are_exact_with_a_halo_of_a_pixel_for_each_convolution(scale):
    module = Compact(blocks=3, width=4, out_channels=3, scale=scale)
    variables = module.init(KEY, IMAGES, train=False)
    variables = jax.tree.map(lambda x: x + 0.1 * jax.random.normal(KEY, x.shape), variables)

    def forward(variables, images):
        return jnp.tanh(module.apply(variables, normalize(images), train=False))

    predictor = Predictor(forward, variables, module.stride)
    assert exact_halo(predictor.forward, predictor.variables, 1) == 3 + 2
    photo = np.ascontiguousarray(skimage.data.coffee()[np.newaxis, 100:150, 50:120])
    whole = predictor(photo)
    tiled = TiledPredictor(predictor, tile=24, halo="exact", batch_size=2)(photo)
    assert whole.std() > 10
    assert np.abs(np.int32(tiled) - whole).max() <= 1
