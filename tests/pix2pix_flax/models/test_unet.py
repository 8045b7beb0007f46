import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from cartoon_tfds.errors import UserError
from pix2pix_flax.image.colour import rgb_to_lab
from pix2pix_flax.models.unet import Unet


def make_unet(**changes):
    settings = {"depth": 3, "width": 4, "out_channels": 3, "norm": "batch"}
    return Unet(**{**settings, "upsample": "transpose", "dropout": 0.0, **changes})


def init(module, *shape):
    return jax.jit(functools.partial(module.init, train=True))(
        {"params": jax.random.key(0)}, jnp.zeros(shape)
    )


def apply(module, variables, images, **options):
    return jax.jit(functools.partial(module.apply, train=False, **options))(variables, images)


def convolve(x, kernel, stride):
    """A zero-padded 4x4 convolution of [H, W, I] with [4, 4, I, O] by SciPy."""
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    channels = [
        sum(
            signal.correlate2d(padded[..., i], kernel[..., i, o], "valid")
            for i in range(x.shape[2])
        )
        for o in range(kernel.shape[3])
    ]
    return np.stack(channels, -1)[::stride, ::stride]


def convolve_transposed(x, kernel):
    """Adds each pixel's kernel, turned as lax has it, into the output, by NumPy."""
    height, width = x.shape[:2]
    output = np.zeros((2 * height + 2, 2 * width + 2, kernel.shape[3]))
    turned = kernel[::-1, ::-1]
    for row in range(height):
        for column in range(width):
            patch = np.einsum("i,hwio->hwo", x[row, column], turned)
            output[2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += patch
    return output[1:-1, 1:-1]


def normalise(x, params, statistics):
    scale = params["scale"] / np.sqrt(statistics["var"] + 1e-5)
    return (x - statistics["mean"]) * scale + params["bias"]


def test_unet_equals_numpy():
    unet = make_unet()
    image = np.random.default_rng(0).uniform(-1, 1, (16, 8, 3))
    variables = init(unet, 1, 16, 8, 3)
    variables = jax.tree.map(  # no statistic and no bias stays at its trivial first value
        lambda leaf: leaf + 0.2 * jnp.sin(jnp.arange(leaf.size)).reshape(leaf.shape), variables
    )
    params, statistics = (
        jax.tree.map(np.float64, variables[name]) for name in ("params", "batch_stats")
    )

    def norm(name, x):
        bn = "BatchNorm_0"
        return normalise(x, params[f"{name}_norm"][bn], statistics[f"{name}_norm"][bn])

    def leaky(x):
        return np.where(x > 0, x, 0.2 * x)

    def relu(x):
        return np.maximum(x, 0)

    one = convolve(image, params["down0"]["kernel"], 2) + params["down0"]["bias"]
    two = norm("down1", convolve(leaky(one), params["down1"]["kernel"], 2))
    three = convolve(leaky(two), params["down2"]["kernel"], 2) + params["down2"]["bias"]
    up = norm("up2", convolve_transposed(relu(three), params["up2"]["kernel"]))
    up = np.concatenate([two, up], -1)
    up = norm("up1", convolve_transposed(relu(up), params["up1"]["kernel"]))
    up = np.concatenate([one, up], -1)
    expected = np.tanh(
        convolve_transposed(relu(up), params["up0"]["kernel"]) + params["up0"]["bias"]
    )

    output = apply(unet, variables, image[None].astype(np.float32))
    assert expected.std() > 0.1
    np.testing.assert_allclose(output[0], expected, atol=2e-5)


def test_the_fine_convolutions_equal_scipy():
    unet = make_unet(fine_width=2, residual=True)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 8, 3)).astype(np.float32)
    variables = init(unet, 1, 16, 8, 3)
    variables = jax.tree.map(
        lambda leaf: leaf + 0.4 * jnp.sin(jnp.arange(leaf.size)).reshape(leaf.shape), variables
    )
    output, captured = apply(unet, variables, image, capture_intermediates=True)
    (pixels,) = captured["intermediates"]["up0"]["__call__"]
    assert variables["params"]["up0"]["kernel"].shape == (1, 1, 8, 4 * 2)
    decoded = np.reshape(pixels, (8, 4, 2, 2, 2)).transpose(0, 2, 1, 3, 4).reshape(16, 8, 2)

    def fine(name, x):
        layer = variables["params"][name]
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))
        return np.einsum("hwiyx,yxio->hwo", windows, layer["kernel"]) + layer.get("bias", 0)

    def normed(name, x):
        collections = (variables[kind][f"{name}_norm"] for kind in ("params", "batch_stats"))
        x = normalise(x, *(collection["BatchNorm_0"] for collection in collections))
        return np.where(x > 0, x, 0.2 * x)

    x = normed("fine0", fine("fine0", image[0]))
    x = normed("fine1", fine("fine1", x + decoded))
    expected = np.clip(image[0] + 2 * np.tanh(fine("fine2", x)), -1, 1)
    assert 0.05 < np.mean(np.abs(output) == 1) < 0.95
    np.testing.assert_allclose(output[0], expected, atol=2e-5)


def test_a_residual_network_starts_at_the_identity():
    unet = make_unet(fine_width=2, residual=True, kernel_init="normal")
    image = jax.random.uniform(jax.random.key(1), (1, 16, 8, 3), minval=-1)
    output = apply(unet, init(unet, 1, 16, 8, 3), image)
    assert np.abs(output - image).max() < 0.3


def test_a_pixel_beyond_the_limit_comes_back():
    unet = make_unet(residual=True)
    image = jnp.ones((1, 8, 8, 3))
    variables = init(unet, 1, 8, 8, 3)
    bias = variables["params"]["up0"]["bias"] + 1.0  # far beyond white

    def loss(bias):
        params = {**variables["params"], "up0": {**variables["params"]["up0"], "bias": bias}}
        output = unet.apply({**variables, "params": params}, image, train=False)
        return jnp.mean(jnp.abs(output - 0.5)), output

    (_, output), gradient = jax.value_and_grad(loss, has_aux=True)(bias)
    np.testing.assert_array_equal(output, 1.0)
    assert (gradient > 0).all()


@pytest.mark.parametrize("channels", [1, 4])
def test_a_residual_needs_as_many_channels_as_the_input_has(channels):
    unet = make_unet(residual=True, out_channels=channels)
    if channels == 1:  # the first channel of three
        assert apply(unet, init(unet, 1, 8, 8, 3), jnp.zeros((1, 8, 8, 3))).shape[-1] == 1
        return
    with pytest.raises(UserError, match="adds an output of 4 channels to an input of 3"):
        init(unet, 1, 8, 8, 3)


@pytest.mark.parametrize("upsample", ["resize", "transpose"])
def test_unet_takes_any_size_and_pads_by_reflection(upsample):
    unet = make_unet(upsample=upsample, width=2)
    variables = init(unet, 1, 8, 8, 3)
    image = jax.random.uniform(jax.random.key(1), (1, 13, 9, 3))
    output = apply(unet, variables, image)
    assert output.shape == image.shape
    reflected = jnp.pad(image, ((0, 0), (0, 3), (0, 7), (0, 0)), mode="reflect")
    whole = apply(unet, variables, reflected)
    np.testing.assert_array_equal(output, whole[:, :13, :9])
    assert apply(unet, variables, image[:, :1, :1]).shape == (1, 1, 1, 3)


def test_unknown_choices_are_named():
    with pytest.raises(UserError, match="norm must be one of batch"):
        init(make_unet(norm="layer"), 1, 8, 8, 3)
    with pytest.raises(UserError, match="upsample must be one of resize"):
        init(make_unet(upsample="nearest"), 1, 8, 8, 3)
    with pytest.raises(
        UserError, match=r"kernel_init must be one of normal, xavier, .*, not 'zeros'"
    ):
        init(make_unet(kernel_init="zeros"), 1, 8, 8, 3)


def test_dropout_is_where_the_paper_has_it():
    unet = make_unet(depth=5, width=2, dropout=0.5)
    variables = init(unet, 1, 32, 32, 3)
    image = jax.random.uniform(jax.random.key(0), (1, 32, 32, 3))

    def features(rngs):
        _, seen = apply(unet, variables, image, rngs=rngs, capture_intermediates=True, mutable=True)
        seen = seen["intermediates"]
        return [name for name in seen if name.startswith("Dropout")], seen

    names, dropped = features({"dropout": jax.random.key(1)})
    assert len(names) == 3
    for name in names:
        assert 0.2 < np.mean(dropped[name]["__call__"][0] == 0) < 0.8
    _, kept = features(None)
    assert all(np.all(kept[name]["__call__"][0] != 0) for name in names)


def test_a_drawing_in_layers_has_few_tones():
    unet = make_unet(fine_width=4, cel_steps=6, kernel_init="kaiming")
    image = jax.random.uniform(jax.random.key(1), (1, 61, 50, 3), minval=-1)
    output = apply(unet, init(unet, 1, 16, 8, 3), image)
    assert output.shape == image.shape

    def near_a_step(images):
        luminance = rgb_to_lab(images)[..., 0] * (6 / 100)
        assert luminance.std() > 0.3
        return np.mean(np.abs(luminance - np.round(luminance)) < 0.1)

    assert near_a_step(output) > 2 * near_a_step(image)


@pytest.mark.parametrize(
    ("changes", "channels", "message"),
    [
        ({"residual": True}, 3, "residual to False"),
        ({"out_channels": 1}, 3, "draws RGB"),
        ({"logits": True}, 3, "draws RGB"),
        ({}, 1, "draws RGB"),
        ({"depth": 2}, 3, "depth is 2: .* must be 3 or more"),
    ],
)
def test_a_drawing_in_layers_does_not_fit_all_settings(changes, channels, message):
    with pytest.raises(UserError, match=message):
        init(make_unet(cel_steps=6, **changes), 1, 8, 8, channels)
