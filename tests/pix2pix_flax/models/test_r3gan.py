"""The networks of R3GAN: resampling, the start as a chain of resamplings, sizes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cartoon_tfds.errors import UserError
from configs import r3gan
from pix2pix_flax.models import r3gan as networks
from pix2pix_flax.models.registry import make_discriminator, make_generator

SMALL = {"depth": 2, "width": 16, "blocks": 2, "group_width": 16}


def applied(module, **options):
    return jax.jit(functools.partial(module.apply, **options), static_argnames="train")


def test_resampling_keeps_what_is_even_and_straight():
    ramp = jnp.arange(8.0)[None, :, None, None] + 10 * jnp.arange(6.0)[None, None, :, None]
    up, down = networks.upsample(ramp), networks.downsample(ramp)
    assert up.shape == (1, 16, 12, 1)
    assert down.shape == (1, 4, 3, 1)
    np.testing.assert_allclose(up[0, :-1, 0, 0], np.arange(15) / 2)
    np.testing.assert_allclose(down[0, 1:, 1, 0], np.arange(2, 8, 2) + 20)
    ones = jnp.ones((1, 4, 4, 2))
    np.testing.assert_allclose(networks.upsample(ones), 1)
    np.testing.assert_allclose(networks.downsample(ones), 1)


def test_the_generator_starts_as_a_chain_of_resamplings():
    module = networks.R3GANGenerator(**SMALL, out_channels=3)
    latents = jax.random.normal(jax.random.key(0), (64, 32))
    variables = jax.jit(lambda: module.init(jax.random.key(1), latents, train=True))()
    images = applied(module)(variables, latents, train=False)
    assert images.shape == (64, 16, 16, 3)
    assert 0.3 < float(images.std()) < 1.5
    params = variables["params"]
    last = [params[name]["_Convolution_2"]["Conv_0"]["kernel"] for name in params if "Bl" in name]
    assert len(last) == 6
    assert not any(np.any(kernel) for kernel in last)
    without = networks.R3GANGenerator(**{**SMALL, "blocks": 0}, out_channels=3)
    kept = {"params": {name: p for name, p in params.items() if "Block" not in name}}
    np.testing.assert_allclose(applied(without)(kept, latents, train=False), images, atol=1e-5)


def test_the_discriminator_has_a_logit_for_its_size_and_more_for_larger_images():
    module = networks.R3GANDiscriminator(**SMALL)
    images = jax.random.normal(jax.random.key(0), (3, 16, 16, 3))
    variables = jax.jit(lambda: module.init(jax.random.key(1), images, train=True))()
    assert variables.keys() == {"params"}
    judge = applied(module, mutable=["intermediates"])
    (logits,), stored = judge(variables, images, train=True)
    assert logits.shape == (3, 1, 1, 1)
    features = stored["intermediates"]["features"]
    assert [f.shape for f in features] == [(3, 16, 16, 16), (3, 8, 8, 32), (3, 4, 4, 32)]
    (alone,), _ = judge(variables, images[1:2], train=True)
    np.testing.assert_allclose(alone, logits[1:2], atol=1e-5)  # no image knows the others
    larger = jax.eval_shape(
        lambda x: module.apply(variables, x, train=False), jnp.zeros((1, 24, 24, 3))
    )
    assert larger[0].shape == (1, 3, 3, 1)


def test_the_configuration_has_the_widths_of_the_paper():
    config = r3gan.get_config()
    generator = make_generator(config.generator, "float32")
    shapes = jax.eval_shape(
        lambda: generator.init(jax.random.key(0), jnp.zeros((1, 64)), train=True)
    )["params"]
    kernels = [x.shape for x in jax.tree.leaves(shapes) if x.shape[:2] == (3, 3)]
    assert sorted(kernels) == [(3, 3, 16, 768)] * 2 + [(3, 3, 16, 1536)] * 8  # 96 and 48 groups
    discriminator = make_discriminator(config.discriminator, "float32")
    (logits,) = jax.eval_shape(
        lambda: discriminator.init_with_output(
            jax.random.key(0), jnp.zeros((1, 64, 64, 3)), train=True
        )
    )[0]
    assert logits.shape == (1, 1, 1, 1)


def test_groups_that_do_not_fit_are_refused():
    module = networks.R3GANDiscriminator(**{**SMALL, "width": 12})
    with pytest.raises(UserError, match=r"group_width must divide 24, .* but is 16"):
        module.init(jax.random.key(0), jnp.zeros((1, 16, 16, 3)), train=True)
