"""Loss terms through frozen networks: their calibration, their gradients, and where weights go."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
import skimage.data

from cartoon_tfds.errors import UserError
from configs import default
from pix2pix_flax import losses
from pix2pix_flax.checkpoint.manager import find_checkpoint, read_config
from pix2pix_flax.losses.perceptual import TERMS, Perceptual
from pix2pix_flax.models.frozen.lpips import lpips
from pix2pix_flax.models.frozen.weights import WeightsMissingError
from pix2pix_flax.pretrained.generator import load_generator
from pix2pix_flax.sharding import put_batch
from pix2pix_flax.tasks import scores
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.train import Trainer, train

LAYERS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


def make(terms, **changes):
    values = default.get_config().perceptual.to_dict()
    return Perceptual(terms, **{**values, "layers": LAYERS, **changes})


BOTH = make(TERMS)


@pytest.fixture(scope="module")
def vgg16():
    try:
        return BOTH.load()
    except WeightsMissingError as error:
        pytest.skip(str(error))


def photographs(size=32):
    """Pieces of two photographs, float32 [2, size, size, 3] in [-1, 1]."""
    pieces = [skimage.data.coffee()[100:, 200:], skimage.data.chelsea()[80:, 120:]]
    return np.stack([piece[:size, :size] for piece in pieces]) / np.float32(127.5) - 1


def blurred(images):
    height, width = (size // 4 for size in images.shape[1:3])
    small = jax.image.resize(images, (len(images), height, width, 3), "linear")
    return jax.image.resize(small, images.shape, "linear")


def test_a_calibrated_term_is_l1_for_blurred_images(vgg16):
    target = photographs()
    scales = jax.jit(BOTH.calibrate)(vgg16, target)
    run = jax.jit(BOTH.losses)
    values = run(vgg16, scales, blurred(target), target)
    assert values.keys() == set(TERMS)
    for value in values.values():
        np.testing.assert_allclose(value, losses.l1(blurred(target), target), rtol=1e-4)
    for value in run(vgg16, scales, target, target).values():
        np.testing.assert_allclose(value, 0, atol=1e-5)


def test_plain_pictures_calibrate_to_finite_numbers(vgg16):
    scales = jax.jit(BOTH.calibrate)(vgg16, np.zeros((1, 16, 16, 3), np.float32))
    assert all(np.isfinite(scale) for scale in scales.values())


def test_each_layer_counts_by_its_weight(vgg16):
    ones = {"perceptual": 1.0}
    distances = [
        make(("perceptual",), layers=layers)
        for layers in (*(tuple(row) for row in np.eye(5)), LAYERS)
    ]

    @jax.jit  # all in one function, so that the network runs once
    def run(weights, a, b):
        return [d.losses(weights, ones, a, b)["perceptual"] for d in distances]

    *alone, together = run(vgg16, photographs(), photographs()[:, ::-1])
    assert all(value > 0 for value in alone)
    np.testing.assert_allclose(together, np.dot(LAYERS, alone), rtol=1e-5)


def test_lpips_is_the_mean_over_the_batch(vgg16):
    distance = make(("lpips",))

    @jax.jit
    def run(weights, a, b):
        found = distance.losses(weights, {"lpips": 2.0}, a, b)["lpips"]
        return found, 2 * lpips(weights["vgg16"], a, b, net="vgg16").mean()

    np.testing.assert_allclose(*run(vgg16, photographs(), photographs()[:, ::-1]), rtol=1e-4)


def test_a_factor_of_the_maps_replaces_the_calibration(vgg16):
    for distance, factor in (("l1", 1 / 12.75), ("l2", 1 / 12.75**2)):
        fixed = make(TERMS, map_scale=1 / 12.75, distance=distance)
        scales = jax.jit(fixed.calibrate)(vgg16, photographs())
        np.testing.assert_allclose(scales["perceptual"], factor, rtol=1e-6)
        calibrated = jax.jit(make(TERMS, distance=distance).calibrate)(vgg16, photographs())
        np.testing.assert_allclose(scales["lpips"], calibrated["lpips"], rtol=1e-5)


def test_vgg19_is_read_from_its_file_and_has_a_gradient(tmp_path):
    rng, arrays, channels = np.random.default_rng(0), {}, 3
    places = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    for place, width in zip(places, [64] * 2 + [128] * 2 + [256] * 4 + [512] * 8, strict=True):
        kernel = rng.standard_normal((width, channels, 3, 3), np.float32)
        arrays[f"features.{place}.weight"] = kernel * np.float32((2 / (9 * channels)) ** 0.5)
        arrays[f"features.{place}.bias"] = np.zeros(width, np.float32)
        channels = width
    path = tmp_path / "vgg19.safetensors"
    path.write_bytes(safetensors.numpy.save(arrays))
    settings = {"net": "vgg19", "vgg19_file": str(path), "rectified": False}
    distance = make(("perceptual",), **settings)
    weights, target = distance.load(), photographs()

    @jax.jit
    def run(weights, output, target):
        scales = distance.calibrate(weights, target)
        value = distance.losses(weights, scales, output, target)["perceptual"]
        loss = lambda x: distance.losses(weights, scales, x, target)["perceptual"]  # noqa: E731
        return value, jax.grad(loss)(output)

    value, gradient = run(weights, blurred(target), target)
    np.testing.assert_allclose(value, losses.l1(blurred(target), target), rtol=1e-4)
    assert (jnp.abs(gradient).max(axis=-1) > 0).mean() > 0.99


@pytest.mark.parametrize(
    ("terms", "changes", "problem"),
    [
        (TERMS, {"net": "vgg19"}, r"lpips_net .*vgg16"),
        (TERMS, {"net": "vgg13"}, r"perceptual\.net .*vgg19"),
        (TERMS, {"rectified": False}, r"rectified must be True for vgg16"),
    ],
)
def test_a_network_that_a_term_cannot_have_is_named(terms, changes, problem):
    with pytest.raises(UserError, match=problem):
        make(terms, **changes)


@pytest.mark.parametrize("term", TERMS)
def test_its_gradient_reaches_all_of_the_output(vgg16, term):
    distance = make((term,))
    target = photographs()

    @jax.jit
    def run(weights, output, target):
        scales = distance.calibrate(weights, target)
        return jax.grad(lambda x: distance.losses(weights, scales, x, target)[term])(output)

    gradient = run(vgg16, blurred(target), target)
    assert jnp.isfinite(gradient).all()
    assert (jnp.abs(gradient).max(axis=-1) > 0).mean() > 0.99


@pytest.fixture(scope="module")
def perceptual_run(vgg16, smoke_config, tmp_path_factory):
    changes = {f"loss_weights__{term}": 10.0 for term in TERMS} | {"train__steps": 2}
    config = smoke_config(
        "l1",
        **changes,
        perceptual__net="alexnet",
        evaluation__lpips=True,
        train__best_metric="lpips",
    )
    workdir = tmp_path_factory.mktemp("perceptual")
    assert train(config, workdir) == 0
    return config, workdir


def test_a_run_goes_on_with_the_same_calibration(perceptual_run):
    config, workdir = perceptual_run
    trainer = Trainer(config, workdir)
    try:
        assert int(trainer.state.step) == config.train.steps
        scales = trainer.state.extra["scales"]
        assert scales.keys() == set(TERMS)
        batch = put_batch(next(trainer.iterator), trainer.mesh)
        key = jax.random.key(config.seed)
        fresh = jax.eval_shape(trainer.task.init, key, batch, trainer.frozen)
        assert all(float(scale) > 0 for scale in scales.values())
        assert jax.tree.map(jnp.shape, fresh.extra) == jax.tree.map(jnp.shape, trainer.state.extra)
    finally:
        trainer.close()


def test_frozen_weights_are_in_no_checkpoint(perceptual_run):
    _, workdir = perceptual_run
    step = find_checkpoint(workdir)
    size = sum(file.stat().st_size for file in step.rglob("*") if file.is_file())
    assert size < 2**20  # VGG16 has 56 MiB
    assert read_config(step).loss_weights.lpips == 10.0


def test_a_network_that_was_trained_so_needs_no_weights(perceptual_run, monkeypatch):
    def missing(net):
        raise WeightsMissingError("not installed")

    monkeypatch.setattr(scores, "load_lpips_weights", missing)
    monkeypatch.setattr(Perceptual, "load", missing)
    generator = load_generator(perceptual_run[1])
    images = np.zeros((1, 16, 16, 3), np.uint8)
    assert generator.task.predict(generator.variables, images).shape == images.shape


def test_only_terms_with_a_weight_are_computed(smoke_config):
    assert make_task(smoke_config(), total_steps=1).perceptual is None
    task = make_task(smoke_config(loss_weights__lpips=1.0), total_steps=1)
    assert task.perceptual.terms == ("lpips",)
