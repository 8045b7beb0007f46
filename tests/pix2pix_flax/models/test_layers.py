"""How kernels start, against the formulas and over whole networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from configs import default, resnet
from pix2pix_flax.models.layers import NORMS, ConvTranspose, Norm, initializer
from pix2pix_flax.models.registry import make_discriminator, make_generator

SHAPE = (3, 3, 64, 96)  # inputs, outputs


@pytest.mark.parametrize(
    ("kind", "variance", "transposed_variance"),
    [
        ("normal", 0.02**2, 0.02**2),
        ("xavier", 0.02**2 * 2 / (9 * 64 + 9 * 96), 0.02**2 * 2 / (9 * 64 + 9 * 96)),
        ("kaiming", 2 / (9 * 64), 2 / (9 * 96)),
    ],
)
def test_normal_distributions(kind, variance, transposed_variance):
    for transposed, expected in ((False, variance), (True, transposed_variance)):
        kernel = initializer(kind, transposed=transposed)(jax.random.key(0), SHAPE)
        z = np.asarray(kernel).ravel() / np.sqrt(expected)
        assert abs(z.mean()) < 0.02
        assert abs(z.std() - 1) < 0.02
        assert np.mean(np.abs(z) > 2.5) == pytest.approx(0.0124, rel=0.2)  # not truncated


def test_orthogonal():
    kernel = np.asarray(initializer("orthogonal")(jax.random.key(0), SHAPE)).reshape(-1, 96)
    np.testing.assert_allclose(kernel.T @ kernel, 0.02**2 * np.eye(96), atol=1e-9)
    kernel = initializer("orthogonal", transposed=True)(jax.random.key(0), SHAPE)
    kernel = np.moveaxis(kernel, 2, -1).reshape(-1, 64)
    np.testing.assert_allclose(kernel.T @ kernel, 0.02**2 * np.eye(64), atol=1e-9)


def test_transposed_convolutions_start_as_what_they_are():
    layer = ConvTranspose(4, size=4, kernel_init="kaiming")
    kernel = layer.init(jax.random.key(0), jnp.zeros((1, 2, 2, 256)))["params"]["kernel"]
    assert np.std(kernel) == pytest.approx(np.sqrt(2 / (16 * 4)), rel=0.02)


def start(config, make, channels):
    """Returns the kernels of a network by their path, and all scales of its norms."""
    module = make(config, "float32")
    images = jnp.zeros((1, 32, 32, channels))
    params = jax.jit(lambda: module.init(jax.random.key(0), images, train=True))()["params"]
    leaves = flatten_dict(params, sep="/")
    scales = [leaf for path, leaf in leaves.items() if path.endswith("/scale")]
    return {path: x for path, x in leaves.items() if x.ndim > 1}, np.concatenate(scales)


@pytest.mark.parametrize("upsample", ["resize", "transpose"])
@pytest.mark.parametrize("module", [default, resnet], ids=["unet", "resnet"])
def test_every_kernel_of_a_generator_follows_its_config(module, upsample):
    config = module.get_config("smoke").generator
    config.update(upsample=upsample, kernel_init="kaiming")
    kernels, scales = start(config, make_generator, 3)
    for path, kernel in kernels.items():
        outputs_fan_in = upsample == "transpose" and path in ("up2/kernel", "up1/kernel")
        outputs_fan_in |= upsample == "transpose" and path == "up0/kernel" and module is default
        fan_in = np.prod(kernel.shape[:2]) * kernel.shape[3 if outputs_fan_in else 2]
        assert np.std(kernel) == pytest.approx(np.sqrt(2 / fan_in), rel=0.15), path
    assert abs(scales.mean() - 1) < 0.01
    assert 0.01 < scales.std() < 0.03


def test_every_kernel_of_a_discriminator_follows_its_config():
    config = default.get_config("smoke").discriminator
    config.kernel_init = "kaiming"
    kernels, scales = start(config, make_discriminator, 6)
    for path, kernel in kernels.items():
        fan_in = np.prod(kernel.shape[:3])
        assert np.std(kernel) == pytest.approx(np.sqrt(2 / fan_in), rel=0.15), path
    assert 0.01 < scales.std() < 0.03


@pytest.mark.parametrize("norm", NORMS)
def test_norm(norm):
    x = 3 + 2 * jax.random.normal(jax.random.key(0), (4, 6, 6, 64))
    module = Norm(norm)
    variables = module.init(jax.random.key(1), x, train=True)
    if norm == "none":
        assert not variables
    else:
        variables["params"] = jax.tree.map(  # leave scale 1 and bias 0
            lambda leaf: jnp.full_like(leaf, float(leaf.mean() > 0.5)), variables["params"]
        )
    y, moved = module.apply(variables, x, train=True, mutable=["batch_stats"])
    axes = {"batch": (0, 1, 2), "instance": (1, 2), "group": (1, 2), "none": ()}[norm]
    if norm == "group":
        y = y.reshape(4, 6, 6, 32, 2).swapaxes(3, 4).reshape(4, 6, 12, 32)
    if axes:
        np.testing.assert_allclose(y.mean(axes), 0, atol=1e-4)
        np.testing.assert_allclose(y.std(axes), 1, atol=1e-3)
    else:
        np.testing.assert_array_equal(x, y)
    assert bool(moved) == (norm == "batch")
