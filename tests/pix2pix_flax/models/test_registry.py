"""Networks by their configuration: sizes, dtypes, and keys that are no setting."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import default, paper
from pix2pix_flax.models.registry import make_discriminator, make_generator


def init(module, *shape):
    return jax.jit(functools.partial(module.init, train=True))(
        {"params": jax.random.key(0)}, jnp.zeros(shape)
    )


def apply(module, variables, images, **options):
    return jax.jit(functools.partial(module.apply, train=False, **options))(variables, images)


def count(module, *shape):
    variables = jax.eval_shape(lambda: init(module, *shape))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def test_paper_parameter_counts():
    config = paper.get_config()
    assert count(make_generator(config.generator, "float32"), 1, 256, 256, 3) == 54_414_531
    assert count(make_discriminator(config.discriminator, "float32"), 1, 256, 256, 6) == 2_768_705


@pytest.mark.parametrize(
    ("depth", "parameters"),
    [(7, 41_829_571), (8, 54_414_531), (9, 66_999_491)],  # 128, 256 and 512 pixels to one
)
def test_depths(depth, parameters):
    config = paper.get_config().generator
    config.depth = depth
    generator = make_generator(config, "float32")
    assert generator.stride == 2**depth
    assert count(generator, 1, 2**depth, 2**depth, 3) == parameters


def test_default_generator_is_small():
    generator = make_generator(default.get_config().generator, "float32")
    assert count(generator, 1, 256, 256, 3) == 12_443_246


def test_keys_of_another_network_are_named():
    config = default.get_config().generator
    config.name = "resnet"
    message = r"config\.generator of a resnet has the keys blocks, .* width, not cel_print, "
    with pytest.raises(ValueError, match=message):
        make_generator(config, "float32")


def test_bfloat16_keeps_float32_parameters_and_outputs():
    config = default.get_config("smoke")
    generator = make_generator(config.generator, "bfloat16")
    variables = init(generator, 1, 16, 16, 3)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    image = jax.random.uniform(jax.random.key(0), (1, 16, 16, 3))
    output = apply(generator, variables, image)
    assert output.dtype == jnp.float32
    full = apply(make_generator(config.generator, "float32"), variables, image)
    assert 0 < np.abs(output - full).max() < 0.05
