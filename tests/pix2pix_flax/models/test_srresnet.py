"""Networks for super-resolution: their sizes as published, what they see, and exact tiles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from configs import rrdb, srgan, srresnet
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference import predictor as predictor_module
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.inference.tiling.halo import exact_halo
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.models.registry import make_discriminator, make_generator
from pix2pix_flax.models.rrdb import RRDBNet
from pix2pix_flax.models.srgan_discriminator import SRGANDiscriminator
from pix2pix_flax.models.srresnet import SRResNet
from pix2pix_flax.models.upscaling import pixel_shuffle

KEY = jax.random.key(0)


def shapes(module, *size):
    images = jax.ShapeDtypeStruct((1, *size, 3), jnp.float32)
    return jax.eval_shape(lambda x: module.init(KEY, x, train=True), images)


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def test_srresnet_has_the_papers_parameters():
    variables = shapes(make_generator(srresnet.get_config().generator, "float32"), 24, 24)
    biases_before_norms = (2 * 16 + 1) * 64
    assert count(variables["params"]) == 1_547_350
    assert count(variables["params"]) + biases_before_norms == 1_549_462
    slopes = [leaf for name, leaf in flat(variables["params"]) if "negative_slope" in name]
    assert len(slopes) == 1 + 16 + 2
    assert all(leaf.shape == () for leaf in slopes)


def flat(tree):
    return [(jax.tree_util.keystr(p), x) for p, x in jax.tree_util.tree_leaves_with_path(tree)]


def test_rrdb_has_the_papers_parameters():
    variables = shapes(make_generator(rrdb.get_config().generator, "float32"), 32, 32)
    assert count(variables["params"]) == 16_697_987


def test_the_discriminator_has_the_papers_layers():
    variables = shapes(make_discriminator(srgan.get_config().discriminator, "float32"), 96, 96)
    kernels = [(n, x.shape) for n, x in flat(variables["params"]) if "kernel" in n]
    outputs = sorted(shape[-1] for name, shape in kernels if "conv" in name)
    assert outputs == sorted([64, 64, 128, 128, 256, 256, 512, 512])
    assert {shape for name, shape in kernels if len(shape) == 2} == {(6 * 6 * 512, 1024), (1024, 1)}
    norms = [name for name, _ in flat(variables["batch_stats"]) if "mean" in name]
    assert len(norms) == 7


def test_the_discriminator_gives_a_logit_a_picture_and_its_features():
    module = SRGANDiscriminator(depth=2, width=4, norm="batch")
    images = jax.random.normal(KEY, (3, 16, 16, 3))
    variables = module.init(KEY, images, train=True)
    logits, moved = module.apply(
        variables, images, train=True, mutable=["intermediates", "batch_stats"]
    )
    assert [x.shape for x in logits] == [(3, 1)]
    features = moved["intermediates"]["features"]
    assert [x.shape[1:] for x in features] == [
        *[(16, 16, 4), (8, 8, 4), (8, 8, 8), (4, 4, 8), (64,)],
    ]
    assert min(float(x.min()) for x in features) < 0  # leaky


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", [SRResNet, RRDBNet])
def test_each_scale_enlarges_by_itself(kind, scale):
    norm = {"norm": "batch"} if kind is SRResNet else {}
    module = kind(blocks=1, width=4, out_channels=3, scale=scale, **norm)
    images = jax.ShapeDtypeStruct((2, 5, 7, 3), jnp.float32)
    output = jax.eval_shape(lambda x: module.init_with_output(KEY, x, train=False)[0], images)
    assert (output.shape, output.dtype) == ((2, 5 * scale, 7 * scale, 3), jnp.float32)


@pytest.mark.parametrize("scale", [0, 3, 6])
def test_a_scale_that_is_no_power_of_two_is_named(scale):
    module = SRResNet(blocks=1, width=4, out_channels=3, norm="none", scale=scale)
    with pytest.raises(ValueError, match=f"config.generator.scale must be .*, not {scale}"):
        shapes(module, 8, 8)


def test_pixel_shuffle_puts_the_channels_of_a_pixel_where_it_is():
    x = jnp.arange(2 * 3 * 5 * 8).reshape(2, 3, 5, 8)
    shuffled = pixel_shuffle(x, 2)
    assert shuffled.shape == (2, 6, 10, 2)
    for row, column, channel in np.ndindex(2, 2, 2):
        part = x[..., 4 * row + 2 * column + channel]
        np.testing.assert_array_equal(shuffled[:, row::2, column::2, channel], part)


def lively(kind, **attributes):
    """Returns the predictor of a random network whose output varies over its whole range."""
    module = kind(width=4, out_channels=3, scale=4, kernel_init="kaiming", **attributes)
    variables = module.init(KEY, jnp.zeros((1, 8, 8, 3)), train=False)

    def forward(variables, images):
        return jnp.tanh(module.apply(variables, normalize(images), train=False))

    return Predictor(forward, variables, module.stride)


@pytest.mark.long  # test_super_resolution.py has the tiles of a block
def test_sixteen_blocks_reach_forty_pixels_and_tiles_of_them_are_exact(monkeypatch):
    predictor = lively(SRResNet, blocks=16, norm="batch")
    assert exact_halo(predictor.forward, predictor.variables, 1) == 40
    monkeypatch.setattr(predictor_module, "denormalize", lambda images: images)  # floats
    photo = np.ascontiguousarray(skimage.data.coffee()[np.newaxis, 100:250, 50:210])
    whole = predictor(photo)
    assert (whole.shape, whole.dtype) == ((1, 600, 640, 3), np.float32)
    assert whole.std() > 0.1
    tiled = TiledPredictor(predictor, tile=112, halo=40, batch_size=2)
    np.testing.assert_array_equal(tiled(photo), whole)
    assert tiled.seam == 0
    approximate = TiledPredictor(predictor, tile=112, halo=2, batch_size=2)
    assert np.abs(approximate(photo) - whole).max() > 1e-3


def test_rrdb_reaches_as_far_as_its_configuration_says():
    predictor = lively(RRDBNet, blocks=1)
    assert exact_halo(predictor.forward, predictor.variables, 1) == 4 + 15 * 1
