"""What discriminators see, return and keep."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import paper
from pix2pix_flax.models.patch_discriminator import PatchDiscriminator
from pix2pix_flax.models.registry import make_discriminator


def make_patch(**changes):
    settings = {"depth": 1, "width": 4, "norm": "none", "spectral_norm": False, "scales": 1}
    return PatchDiscriminator(**settings | changes)


def init(module, *shape):
    return jax.jit(functools.partial(module.init, train=True))(jax.random.key(0), jnp.zeros(shape))


def apply(module, variables, images, mutable=("batch_stats",)):
    run = functools.partial(module.apply, train=True, mutable=list(mutable))
    return jax.jit(run)(variables, images)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize(
    ("settings", "channels", "parameters"),
    [
        ({}, 6, 2_768_705),  # Isola et al. 2017
        ({}, 3, 2_765_633),  # unconditional
        ({"scales": 3}, 6, 3 * 2_768_705),
        ({"spectral_norm": True}, 6, 2_768_705),
        ({"depth": 0}, 6, 9_025),
        ({"norm": "instance"}, 6, 2_768_705 + 128 + 256 + 512),  # biases
    ],
)
def test_parameter_counts(settings, channels, parameters):
    config = paper.get_config().discriminator
    config.update(settings)
    module = make_discriminator(config, "float32")
    variables = jax.eval_shape(lambda: init(module, 1, 256, 256, channels))
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == parameters


def seen_rows(module, size, scale):
    """The rows of which the logit in the middle depends, of images that are alike in each row."""
    variables = init(module, 1, size, size, 3)

    def middle(rows):
        images = jnp.broadcast_to(rows, (1, size, size, 3))
        logits = module.apply(variables, images, train=True)[scale]
        return logits[0, logits.shape[1] // 2, logits.shape[2] // 2, 0]

    rows = jnp.asarray(draw(1, size, 1, 3))
    return np.flatnonzero(np.abs(jax.jit(jax.grad(middle))(rows)).sum((0, 2, 3)))


@pytest.mark.parametrize(("depth", "patch"), [(0, 1), (1, 16), (3, 70), (5, 286)])
def test_each_logit_sees_its_patch(depth, patch):
    rows = seen_rows(make_patch(depth=depth, width=2), patch + 2 * 2**depth + 32, 0)
    assert rows.max() - rows.min() + 1 == len(rows) == patch


@pytest.mark.parametrize(("scale", "patch"), [(0, 16), (1, 33), (2, 67)])
def test_a_coarser_scale_sees_more_of_the_image(scale, patch):
    """One pixel of a half is the mean of 3: n of them are 2 n + 1."""
    rows = seen_rows(make_patch(width=2, scales=3), 128, scale)
    assert rows.max() - rows.min() + 1 == patch


def halve(images):
    """The mean of the 3x3 pixels, as many as there are, around every second pixel, by NumPy."""
    height, width = images.shape[1:3]
    return np.stack(
        [
            np.stack(
                [
                    images[:, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].mean((1, 2))
                    for x in range(0, width, 2)
                ],
                axis=1,
            )
            for y in range(0, height, 2)
        ],
        axis=1,
    )


def test_scales_are_networks_of_their_own_on_halves():
    module, images = make_patch(scales=3), draw(2, 40, 34, 3)
    variables = init(module, *images.shape)
    logits, _ = apply(module, variables, images)
    params = variables["params"]
    for scale, logits_of_scale in enumerate(logits):
        own = {f"Conv_{i}": params[f"Conv_{3 * scale + i}"] for i in range(3)}
        (expected,), _ = apply(make_patch(), {"params": own}, images)
        np.testing.assert_allclose(logits_of_scale, expected, atol=1e-6)
        images = halve(images)
    assert not np.allclose(params["Conv_0"]["kernel"], params["Conv_3"]["kernel"])


def test_features_are_returned_when_asked_for():
    module, images = make_patch(depth=2, norm="batch", scales=2), draw(2, 32, 32, 6)
    variables = init(module, *images.shape)
    assert set(variables) == {"params", "batch_stats"}
    logits, moved = apply(module, variables, images)
    assert set(moved) == {"batch_stats"}
    again, moved = apply(module, variables, images, ["batch_stats", "intermediates"])
    jax.tree.map(np.testing.assert_array_equal, logits, again)
    (features,) = moved["intermediates"].values()
    shapes = [(2, 16, 16, 4), (2, 8, 8, 8), (2, 7, 7, 16)]
    halves = [(2, 8, 8, 4), (2, 4, 4, 8), (2, 3, 3, 16)]
    assert [layer.shape for layer in features] == shapes + halves
    for scale, layer in ((0, features[2]), (1, features[5])):  # the last one makes the logits
        last = variables["params"][f"Conv_{4 * scale + 3}"]
        padded = jax.lax.conv_general_dilated(
            layer, last["kernel"], (1, 1), [(1, 1)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        np.testing.assert_allclose(logits[scale], padded + last["bias"], atol=1e-5)


def matrices(params):
    """Kernels as Miyato et al. 2018 have them, turned: a column for each output."""
    return {
        f"{layer}/kernel": np.float64(values["kernel"]).reshape(-1, values["kernel"].shape[-1])
        for layer, values in params.items()
    }


def vectors(batch_stats):
    return {
        name.removesuffix("/u"): value
        for layer in batch_stats.values()
        for name, value in layer.items()
        if name.endswith("/u")
    }


def test_power_iteration_equals_numpy():
    module, images = make_patch(depth=2, spectral_norm=True), draw(2, 16, 16, 3)
    variables = init(module, *images.shape)
    before = vectors(variables["batch_stats"])
    _, moved = apply(module, variables, images)
    after = vectors(moved["batch_stats"])
    assert before.keys() == after.keys() == matrices(variables["params"]).keys()
    assert len(before) == 4
    for name, matrix in matrices(variables["params"]).items():
        left = matrix @ before[name][0]
        right = matrix.T @ (left / np.linalg.norm(left))
        np.testing.assert_allclose(after[name][0], right / np.linalg.norm(right), atol=1e-5)


@pytest.mark.parametrize("depth", [0, 2])
def test_kernels_are_divided_by_their_largest_singular_value(depth):
    module, images = make_patch(depth=depth, spectral_norm=True, scales=2), draw(2, 32, 32, 3)
    variables = init(module, *images.shape)
    run = jax.jit(functools.partial(module.apply, train=True, mutable=["batch_stats"]))
    for _ in range(100):  # until the vectors stay
        logits, moved = run(variables, images)
        variables = {**variables, **moved}
    divided = {
        name: {**values, "kernel": values["kernel"] / np.linalg.norm(matrix, 2)}
        for (name, values), matrix in zip(
            variables["params"].items(), matrices(variables["params"]).values(), strict=True
        )
    }
    plain = make_patch(depth=depth, scales=2)
    expected, _ = apply(plain, {"params": divided}, images)
    for a, b in zip(logits, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-2 * np.abs(b).max())
    unlike, _ = apply(plain, {"params": variables["params"]}, images)
    assert np.abs(unlike[0] / logits[0] - 1).min() > 0.3


def test_no_logit_is_an_error():
    message = r"config.sizes.crop is too small for config.discriminator.depth 3 and scales 2"
    with pytest.raises(ValueError, match=message):
        init(make_patch(depth=3, scales=2), 1, 32, 32, 3)
    with pytest.raises(ValueError, match=r"config.discriminator.scales must be at least 1, not 0"):
        init(make_patch(scales=0), 1, 32, 32, 3)


def test_bfloat16_keeps_float32_arrays():
    module = make_patch(dtype="bfloat16", norm="batch", spectral_norm=True, scales=2)
    images = draw(2, 16, 16, 3)
    variables = init(module, *images.shape)
    logits, moved = apply(module, variables, images, ["batch_stats", "intermediates"])
    for leaf in jax.tree.leaves((variables, logits, moved)):
        assert leaf.dtype == jnp.float32
    full = make_patch(norm="batch", spectral_norm=True, scales=2)
    expected, _ = apply(full, variables, images)
    assert 0 < np.abs(logits[0] - expected[0]).max() < 0.1
