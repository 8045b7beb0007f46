import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.inference.tiling.halo import exact_halo
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.models.span import Span

KEY = jax.random.key(0)
IMAGES = normalize(jnp.asarray(skimage.data.coffee()[None, 100:112, 200:216]))


def test_it_has_the_parameters_of_the_paper():
    """The figure of PyTorch's module without the parts of each `Conv3XC`."""
    module = Span(blocks=6, width=48, out_channels=3, scale=4, centred=False, residual=False)
    shapes = jax.eval_shape(lambda: module.init(KEY, IMAGES, train=False))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 426_288


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_a_fresh_network_nearly_repeats_pixels(scale):
    module = Span(blocks=2, width=8, out_channels=3, scale=scale, centred=True, residual=True)
    output, _ = module.init_with_output(KEY, IMAGES, train=False)
    nearest = IMAGES.repeat(scale, axis=1).repeat(scale, axis=2)
    assert output.dtype == jnp.float32
    assert 1e-4 < np.abs(output - nearest).max() < 0.5


def test_each_parameter_learns():
    module = Span(blocks=2, width=8, out_channels=3, scale=2, centred=True, residual=True)
    variables = module.init(KEY, IMAGES, train=False)
    target = jax.random.uniform(KEY, (1, 24, 32, 3))

    def loss(variables):
        return jnp.square(module.apply(variables, IMAGES, train=False) - target).mean()

    for path, leaf in jax.tree.leaves_with_path(jax.grad(loss)(variables)):
        assert np.abs(leaf).max() > 0, path


@pytest.mark.parametrize("scale", [2, 3])
def test_tiles_are_exact_with_a_halo_of_a_pixel_for_each_convolution(scale):
    module = Span(blocks=1, width=4, out_channels=3, scale=scale, centred=True, residual=True)
    variables = module.init(KEY, IMAGES, train=False)
    variables = jax.tree.map(lambda x: x + 0.3 * jax.random.normal(KEY, x.shape), variables)

    def forward(variables, images):
        return jnp.tanh(module.apply(variables, normalize(images), train=False))

    predictor = Predictor(forward, variables, module.stride)
    assert exact_halo(predictor.forward, predictor.variables, 1) == 1 + 3 + 1 + 1
    photo = np.ascontiguousarray(skimage.data.coffee()[np.newaxis, 100:150, 50:120])
    whole = predictor(photo)
    tiled = TiledPredictor(predictor, tile=24, halo="exact", batch_size=2)(photo)
    assert whole.std() > 10
    assert np.abs(np.int32(tiled) - whole).max() <= 1
