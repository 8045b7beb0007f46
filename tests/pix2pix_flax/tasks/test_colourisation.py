"""Colours from lightness: what the networks see, what a user gets, and how it is scored."""

import dataclasses

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color
import skimage.data

from configs import comics, default
from pix2pix_flax import metrics
from pix2pix_flax.data.readers import make_reader
from pix2pix_flax.data.source import DatasetError
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.hints import POINTS
from pix2pix_flax.evaluation.report import evaluate_checkpoint
from pix2pix_flax.export.exporter import ExportError, export_generator
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.inference.predictor import Predictor, load_predictor
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.pretrained.generator import load_generator, to_safetensors
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.tasks.paired import PairedTask

PHOTO = skimage.data.coffee()


def make_config(**changes):
    """A configuration without hints; test_hints.py is about hints."""
    config = comics.get_config("smoke")
    with config.unlocked():
        config.hints.max_points = 0
        for path, value in changes.items():
            group, name = path.split("__")
            config[group][name] = value
    return config


def make_batch(count=4, size=40):
    """Pieces of a photograph, as the reader gives them."""
    pieces = [PHOTO[60 * i :, 90 * i :][:size, :size] for i in range(count)]
    return {"input": np.stack(pieces), "target": np.stack(pieces)}


def lab(pictures):
    return skimage.color.rgb2lab(np.asarray(pictures))


@pytest.fixture(scope="module")
def task():
    return make_task(make_config(), total_steps=100)


@pytest.fixture(scope="module")
def state(task):
    """A state whose generator gives strong colours, many of which RGB does not have."""
    state = jax.jit(task.init)(jax.random.key(0), make_batch())
    bump = jax.jit(
        lambda params: jax.tree.map(
            lambda x: x + 0.5 * jnp.sin(jnp.arange(x.size)).reshape(x.shape), params
        )
    )
    return state.replace(
        nets={name: net.replace(params=bump(net.params)) for name, net in state.nets.items()}
    )


def test_the_networks_see_lightness_and_colours(task):
    pictures = make_batch()["input"]
    expected = lab(pictures)
    inputs, target = (
        make(pictures) for make in (task.representation.to_input, task.representation.to_target)
    )
    np.testing.assert_allclose(inputs, expected[..., :1] / 50 - 1, atol=1e-3)
    np.testing.assert_allclose(target, expected[..., 1:] / 110, atol=1e-3)
    np.testing.assert_array_equal(
        denormalize(task.representation.to_image(inputs, target)), pictures
    )


def test_the_discriminator_sees_lightness_and_colours(task, state):
    nets = jax.eval_shape(task.init, jax.random.key(0), make_batch()).nets
    channels = {name: jax.tree.leaves(nets[name].params) for name in ("gen", "disc")}
    firsts = {name: {x.shape[2] for x in xs if x.ndim == 4} for name, xs in channels.items()}
    assert 1 in firsts["gen"]
    assert 3 in firsts["disc"]


def test_training_lowers_the_error_of_colours_to_that_of_their_mean_and_below():
    config = make_config(optimizer__learning_rate=3e-3)
    config.ema_decay = 0.9
    batch = make_batch(size=32)
    task = make_task(config, total_steps=120)
    state = jax.jit(task.init)(jax.random.key(0), batch)
    step, history = jax.jit(task.train_step), []
    for _ in range(120):
        state, values = step(state, batch)
        history.append(float(values["gen/l1"]))
    assert np.mean(history[-10:]) < history[0] / 2
    means = normalize(batch["target"]).mean((1, 2), keepdims=True)
    scores = jax.jit(task.eval_step)(state, batch)
    constant = task.scores.score(jnp.broadcast_to(means, batch["target"].shape), batch)
    assert scores["ab_mae"].mean() < constant["ab_mae"].mean()


@pytest.mark.parametrize("size", [0, 24])
@pytest.mark.parametrize("shape", [(48, 64), (64, 40)])
def test_lightness_is_kept_exactly(task, state, shape, size):
    """Of the 8 bits that a user gets, half a level may be lost in each channel."""
    resolution = dataclasses.replace(task.resolution, size=size)
    task = dataclasses.replace(task, resolution=resolution)
    height, width = shape
    pictures = np.stack([PHOTO[:height, :width], PHOTO[200:][:height, 100:][:, :width]])
    output = denormalize(jax.jit(task.predict)(state.generator.variables, pictures))
    assert output.shape == pictures.shape
    assert np.abs(lab(output) - lab(pictures))[..., 0].max() < 0.5
    saturation = np.ptp(np.asarray(output, int), axis=-1)
    assert saturation.mean() > 30  # and there are colours


def test_a_grey_picture_and_a_colour_one_go_in_alike(task, state):
    pictures = make_batch()["input"]
    predict = jax.jit(task.predict)
    grey = denormalize(task.controls({"input": pictures})["grey"])
    assert np.ptp(np.asarray(grey), axis=-1).max() == 0
    np.testing.assert_allclose(lab(grey)[..., 0], lab(pictures)[..., 0], atol=0.3)
    one, other = (predict(state.generator.variables, x) for x in (pictures, np.asarray(grey)))
    assert np.abs(one - other).mean() < 0.02
    hue_turned = pictures[..., ::-1]
    assert np.abs(one - predict(state.generator.variables, hue_turned)).mean() > 0.05


def test_the_inference_size_reduces_what_the_network_sees_and_nothing_else(
    task, state, monkeypatch
):
    picture = cv2.GaussianBlur(cv2.resize(PHOTO, (96, 64)), (0, 0), 2)[None]
    resolution = dataclasses.replace(task.resolution, size=32)
    small = dataclasses.replace(task, resolution=resolution)
    variables = state.generator.variables
    seen = []
    forward = PairedTask._forward

    def watched(self, module, variables, images):
        seen.append(images)
        return forward(self, module, variables, images)

    monkeypatch.setattr(PairedTask, "_forward", watched)
    output = small.predict(variables, picture)
    assert len(seen) == 1
    assert seen[0].shape == (1, 32, 48, 1)
    expected = cv2.resize(lab(picture)[0, ..., 0], (48, 32), interpolation=cv2.INTER_AREA) / 50 - 1
    assert np.abs(np.asarray(seen[0])[0, ..., 0] - expected).mean() < 0.01
    ab = task.module.apply(variables, seen[0], train=False)[0]
    enlarged = cv2.resize(np.asarray(ab), (96, 64), interpolation=cv2.INTER_LINEAR)
    wanted = task.representation.to_image(task.representation.to_input(picture), enlarged[None])
    np.testing.assert_allclose(output, wanted, atol=2e-3)


def test_the_inference_size_never_enlarges(task, state):
    pictures = make_batch(size=24)["input"]
    resolution = dataclasses.replace(task.resolution, size=48)
    larger = dataclasses.replace(task, resolution=resolution)
    variables = state.generator.variables
    np.testing.assert_array_equal(
        larger.predict(variables, pictures), task.predict(variables, pictures)
    )


def test_scores_are_of_what_a_user_gets(task, state):
    batch = make_batch()
    output = task.predict(state.generator.variables, batch["input"])
    scores = jax.jit(task.eval_step)(state, batch)
    rounded = np.asarray(denormalize(output))
    for index, target in enumerate(batch["target"]):
        a, b = lab(rounded[index])[..., 1:], lab(target)[..., 1:]
        np.testing.assert_allclose(scores["ab_mae"][index], np.abs(a - b).mean(), rtol=1e-3)
        gap = abs(hasler(rounded[index]) - hasler(target))
        np.testing.assert_allclose(scores["colourfulness_gap"][index], gap, rtol=1e-3)
        for channel, name in enumerate(("a_intersection", "b_intersection")):
            edges = np.linspace(-112.5, 112.5, 46)
            counts = [np.histogram(x[..., channel], edges)[0] for x in (a, b)]
            shared = np.minimum(*counts).sum() / counts[0].sum()
            np.testing.assert_allclose(scores[name][index], shared, atol=0.01)


def hasler(picture):
    """Written down from the paper, once more."""
    red, green, blue = np.moveaxis(np.float64(picture), -1, 0)
    first, second = red - green, (red + green) / 2 - blue
    spread = np.sqrt(first.var() + second.var())
    return spread + 0.3 * np.sqrt(first.mean() ** 2 + second.mean() ** 2)


def test_the_target_itself_has_all_scores_at_their_best(task):
    batch = make_batch()
    scores = task.scores.score(normalize(batch["target"]), batch)
    for name in ("ab_mae", "colourfulness_gap"):
        np.testing.assert_allclose(scores[name], 0, atol=1e-4)
    for name in ("a_intersection", "b_intersection"):
        np.testing.assert_allclose(scores[name], 1, atol=1e-6)
    grey = task.scores.score(task.controls(batch)["grey"], batch)
    np.testing.assert_allclose(
        grey["colourfulness_gap"], metrics.colourfulness(normalize(batch["target"])), atol=0.01
    )


def test_the_panel_is_grey_target_output(task, state):
    batch = make_batch()
    (panel,) = jax.jit(task.visualize)(state, batch).values()
    assert (panel.shape, panel.dtype) == ((4, 40, 120, 3), jnp.uint8)
    grey, target, output = np.split(np.asarray(panel), 3, axis=2)
    assert np.ptp(grey, axis=-1).max() == 0
    np.testing.assert_array_equal(target, batch["target"])
    expected = denormalize(jax.jit(task.predict)(state.generator.variables, batch["input"]))
    assert np.abs(np.int32(output) - expected).max() <= 1


def test_single_pictures_are_read_as_pairs_with_themselves():
    picture = make_batch()["input"][0]
    config = make_config(data__features=("image",)).data
    pair = make_reader(config)({"image": picture, "id": b"one"})
    assert pair.keys() == {"input", "target"}
    for image in pair.values():
        np.testing.assert_array_equal(image, picture)
    with pytest.raises(DatasetError, match=r"no feature 'image' .*; they have: picture"):
        make_reader(config)({"picture": picture})
    for features in ((), ("a", "b", "c")):
        with pytest.raises(DatasetError, match=f"two .input and target., not {len(features)}"):
            make_reader(make_config(data__features=features).data)


@pytest.mark.parametrize("term", ["perceptual", "lpips"])
def test_terms_of_frozen_networks_look_at_pictures(term):
    config = make_config(perceptual__net="alexnet", **{f"loss_weights__{term}": 10.0})
    task, batch = make_task(config, total_steps=10), make_batch()
    frozen = task.load_frozen()
    state = jax.jit(task.init)(jax.random.key(0), batch, frozen)
    _, values = jax.jit(task.train_step)(state, batch, frozen)
    assert np.isfinite(list(values.values())).all()
    assert values[f"gen/{term}"] > 0.01


@pytest.fixture(scope="module")
def trained(trained_once):
    return trained_once("comics", "comics_4", train__steps=4)


def test_the_report_has_a_grey_row(trained):
    report, panel = evaluate_checkpoint(
        trained, DatasetChoice(split="test"), vgg16=False, panel_rows=2
    )
    hinted = [f"hints_{points}" for points in POINTS]
    assert list(report.summary) == ["network", *hinted, "grey"]
    assert [line["points"] for line in report.tables["hints"]] == [0, *POINTS]
    grey = report.summary["grey"]
    assert grey["ab_mae"] > 1
    assert grey["colourfulness_gap"] > 5
    row = panel[-36:-4]
    assert np.ptp(row[:, :32], axis=-1).max() == 0
    assert np.ptp(row[:, 36:68], axis=-1).max() > 10


def test_a_file_of_its_weights_gives_the_same_pictures(trained, tmp_path):
    path = tmp_path / "colours.safetensors"
    path.write_bytes(to_safetensors(load_generator(trained)))
    pictures = make_batch()["input"]
    np.testing.assert_array_equal(load_predictor(path)(pictures), load_predictor(trained)(pictures))


def test_it_says_that_it_colours(trained):
    network = load_predictor(trained)
    assert network.colours
    assert TiledPredictor(network).colours
    assert not TiledPredictor(Predictor(network.forward, network.variables, 8)).colours
    assert not make_task(default.get_config("smoke"), total_steps=1).representation.colours


def test_tiles_are_those_of_the_whole_picture(trained):
    picture = cv2.resize(PHOTO, (160, 120))[None]
    whole = load_predictor(trained)(picture)
    tiled = TiledPredictor(load_predictor(trained), tile=64, halo="exact")
    assert np.abs(np.int32(tiled(picture)) - whole).max() <= 1
    assert tiled.exact_halo <= 16


def test_what_can_be_exported(trained, tmp_path):
    photos = [PHOTO, PHOTO[:, ::-1]]
    with pytest.raises(
        ExportError, match=r"no ONNX graph is known for networks whose .* is not RGB"
    ):
        export_generator(trained, "onnx", tmp_path / "a.onnx", photos)
    with pytest.raises(ExportError, match=r"StableHLO: its network shrinks large images"):
        export_generator(trained, "stablehlo", tmp_path / "a.stablehlo", photos)
    assert not list(tmp_path.iterdir())
