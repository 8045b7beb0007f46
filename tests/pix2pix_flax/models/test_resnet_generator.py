"""The residual generator: against NumPy, of any size, in tiles, in an exported file, trained."""

import functools
import importlib.util
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
from scipy import signal

from configs import resnet
from pix2pix_flax.export.stablehlo import to_stablehlo
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.image.padding import reflect_border
from pix2pix_flax.inference import predictor as predictor_module
from pix2pix_flax.inference.exported import load_exported
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.models.layers import NORMS
from pix2pix_flax.models.registry import make_generator
from pix2pix_flax.models.resnet_generator import ResnetGenerator
from pix2pix_flax.tasks.factory import make_task
from tests.pix2pix_flax.inference.tiling.networks import ROUNDING

COFFEE = skimage.data.coffee()
UPSAMPLES = ("resize", "transpose")


def make_resnet(**changes):
    settings = {"blocks": 1, "width": 4, "out_channels": 3, "norm": "batch"}
    return ResnetGenerator(**{**settings, "upsample": "transpose", "dropout": 0.0, **changes})


def lively(module):
    """Variables with which the output varies over its whole range."""
    start = jax.eval_shape(
        lambda: module.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), train=False)
    )
    rng = np.random.default_rng(0)

    def draw(path, leaf):
        noise = rng.standard_normal(leaf.shape)
        if leaf.ndim > 1:
            return np.float32(1.5 * noise / np.sqrt(np.prod(leaf.shape[:-1])))
        grows = "scale" in jax.tree_util.keystr(path) or "var" in jax.tree_util.keystr(path)
        return np.float32(1 + 0.2 * np.abs(noise) if grows else 0.2 * noise)

    return jax.tree_util.tree_map_with_path(draw, start)


def make_predictor(module):
    def forward(variables, images):
        return module.apply(variables, normalize(images), train=False)

    return Predictor(forward, lively(module), module.stride)


def photograph(height, width, count=1):
    cuts = [COFFEE[20 * i :, 30 * i :][:height, :width] for i in range(count)]
    assert cuts[-1].shape == (height, width, 3)
    return np.stack(cuts)


@pytest.mark.parametrize(
    ("blocks", "published"),
    [(9, 11_378_179), (6, 7_837_699)],  # of junyanz/pytorch-CycleGAN-and-pix2pix
)
def test_published_parameter_counts(blocks, published):
    config = resnet.get_config().generator
    with config.unlocked():
        config.update(blocks=blocks, norm="instance", upsample="transpose")
    module = make_generator(config, "float32")
    images = jnp.zeros((1, 256, 256, 3))
    params = jax.eval_shape(lambda: module.init(jax.random.key(0), images, train=True))["params"]
    sizes = {name: sum(x.size for x in jax.tree.leaves(leaf)) for name, leaf in params.items()}
    norms = sum(size for name, size in sizes.items() if name.endswith("_norm"))
    # The published network's instance norms have no scales and biases.
    assert norms == 2 * (64 + 128 + 256 + 2 * blocks * 256 + 128 + 64)
    assert sum(sizes.values()) == published + norms


@pytest.mark.parametrize("pixels", [1, 3])
def test_borders_are_reflected_however_small_the_picture_is(pixels):
    for height, width in itertools.product((1, 2, 4, 9), repeat=2):
        x = np.random.default_rng(0).standard_normal((2, height, width, 3), np.float32)
        expected = np.pad(x, [(0, 0), (pixels, pixels), (pixels, pixels), (0, 0)], "reflect")
        np.testing.assert_array_equal(reflect_border(x, pixels), expected)


def convolve(x, kernel, stride=1):
    """A convolution of [H, W, I] with [k, k, I, O] by SciPy, without padding."""
    channels = [
        sum(signal.correlate2d(x[..., i], kernel[..., i, o], "valid") for i in range(x.shape[2]))
        for o in range(kernel.shape[3])
    ]
    return np.stack(channels, -1)[::stride, ::stride]


def convolve_transposed(x, kernel):
    """Adds each pixel's 3x3 kernel into the output, from one row and column before it."""
    height, width = x.shape[:2]
    output = np.zeros((2 * height + 1, 2 * width + 1, kernel.shape[3]))
    turned = kernel[::-1, ::-1]  # as lax has it
    for row, column in np.ndindex(height, width):
        patch = np.einsum("i,hwio->hwo", x[row, column], turned)
        output[2 * row : 2 * row + 3, 2 * column : 2 * column + 3] += patch
    return output[1:, 1:]


def double(x, kernel):
    return convolve(np.pad(x.repeat(2, 0).repeat(2, 1), [(1, 1), (1, 1), (0, 0)]), kernel)


@pytest.mark.parametrize("upsample", UPSAMPLES)
@pytest.mark.parametrize("size", [(16, 12), (4, 8)])
def test_the_network_equals_numpy(upsample, size):
    module = make_resnet(blocks=2, upsample=upsample)
    variables = lively(module)
    params, statistics = (
        jax.tree.map(np.float64, variables[name]) for name in ("params", "batch_stats")
    )

    def norm(name, x):
        params_, statistics_ = (
            tree[f"{name}_norm"]["BatchNorm_0"] for tree in (params, statistics)
        )
        scale = params_["scale"] / np.sqrt(statistics_["var"] + 1e-5)
        return (x - statistics_["mean"]) * scale + params_["bias"]

    def reflected(name, x):
        pixels = params[name]["kernel"].shape[0] // 2
        x = np.pad(x, [(pixels, pixels), (pixels, pixels), (0, 0)], "reflect")
        return convolve(x, params[name]["kernel"])

    def relu(x):
        return np.maximum(x, 0)

    image = np.random.default_rng(1).uniform(-1, 1, (*size, 3))
    x = relu(norm("down0", reflected("down0", image)))
    for name in ("down1", "down2"):
        x = convolve(np.pad(x, [(1, 1), (1, 1), (0, 0)]), params[name]["kernel"], 2)
        x = relu(norm(name, x))
    for block in ("block0", "block1"):
        y = relu(norm(f"{block}_0", reflected(f"{block}_0", x)))
        x = x + norm(f"{block}_1", reflected(f"{block}_1", y))
    for name in ("up2", "up1"):
        if upsample == "resize":
            x = double(x, params[name]["Conv_0"]["kernel"])
        else:
            x = convolve_transposed(x, params[name]["kernel"])
        x = relu(norm(name, x))
    expected = np.tanh(reflected("up0", x) + params["up0"]["bias"])

    output = module.apply(variables, image[None].astype(np.float32), train=False)
    assert expected.std() > 0.1
    np.testing.assert_allclose(output[0], expected, atol=2e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_any_size_goes_in_and_comes_out(norm):
    module = make_resnet(norm=norm, out_channels=1)
    variables = lively(module)
    run = jax.jit(functools.partial(module.apply, train=False))
    for size in ((1, 1), (2, 7), (13, 9)):
        output = run(variables, normalize(photograph(*size)))
        assert output.shape == (1, *size, 1)
        assert np.isfinite(output).all()


def test_biases_are_where_no_norm_takes_them_away():
    params = lively(make_resnet())["params"]
    with_bias = lively(make_resnet(norm="none"))["params"]
    assert [name for name, leaf in params.items() if "bias" in leaf] == ["up0"]
    assert all("bias" in leaf for leaf in with_bias.values())


def test_dropout_is_in_the_blocks():
    module = make_resnet(blocks=3, dropout=0.5)
    variables = lively(module)
    images = normalize(photograph(16, 16))

    def shares(rngs):
        _, seen = module.apply(
            variables, images, train=False, rngs=rngs, capture_intermediates=True, mutable=True
        )
        relus = [v for name, v in seen["intermediates"].items() if name.startswith("Dropout")]
        return [float(np.mean(value["__call__"][0] == 0)) for value in relus]

    dropped, kept = shares({"dropout": jax.random.key(0)}), shares(None)
    assert len(dropped) == len(kept) == 3
    assert all(more > share + 0.15 for more, share in zip(dropped, kept, strict=True))


@pytest.mark.parametrize("upsample", UPSAMPLES)
@pytest.mark.parametrize(("norm", "blocks"), [("batch", 2), ("none", 1)])
def test_tiles_with_the_exact_halo_equal_the_whole_picture(norm, blocks, upsample, monkeypatch):
    monkeypatch.setattr(predictor_module, "denormalize", lambda images: images)
    predictor = make_predictor(make_resnet(norm=norm, blocks=blocks, width=8, upsample=upsample))
    tiled = TiledPredictor(predictor, halo="exact", tile=96, batch_size=2)
    for size in ((97, 195), (49, 380), (3, 400)):
        whole = predictor(photograph(*size))
        assert whole.std() > 0.05
        assert whole.dtype == np.float32
        np.testing.assert_allclose(tiled(photograph(*size)), whole, rtol=0, atol=ROUNDING)
    assert tiled.halo == tiled.exact_halo == 14 + 8 * blocks


@pytest.mark.skipif(importlib.util.find_spec("flatbuffers") is None, reason="not installed")
@pytest.mark.parametrize("upsample", UPSAMPLES)
def test_an_exported_file_takes_any_size(upsample, tmp_path):
    predictor = make_predictor(make_resnet(upsample=upsample))
    file = tmp_path / "generator.stablehlo"
    file.write_bytes(to_stablehlo(predictor.forward, predictor.variables, predictor.stride))
    translate = load_exported(file)
    for size in ((1, 1), (5, 18)):
        images = photograph(*size, count=2)
        difference = np.abs(translate(images).astype(int) - predictor(images))
        assert difference.max() <= 1
    assert predictor(images).std() > 10


def test_it_learns_a_pair():
    config = resnet.get_config("supervised,smoke")
    with config.unlocked():
        config.loss_weights.l1 = 1.0
        config.sizes.crop, config.augment.flip = 16, False
        config.optimizer.learning_rate = 1e-2
        config.dtype = "bfloat16"
    task = make_task(config, 60)
    images = photograph(16, 16, count=2)
    batch = {"input": images, "target": 255 - images}
    state = jax.jit(task.init)(jax.random.key(0), batch)
    step, losses = jax.jit(task.train_step), []
    for _ in range(60):
        state, metrics = step(state, batch)
        losses.append(float(metrics["gen/l1"]))
    assert losses[0] > 0.3
    assert losses[-1] < 0.15
    params = jax.tree.leaves(state.nets["gen"].params)
    assert {leaf.dtype for leaf in params} == {np.dtype("float32")}
