"""Several styles in one network: what it is told, what it learns, and how a user asks for one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
from absl import flags
from absl.testing import flagsaver

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
from cartoon_tfds.errors import UserError
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.styles import STYLES, cartoonize
from configs import default, styles
from pix2pix_flax.cli.translation_flags import make_translator
from pix2pix_flax.data.pipeline import eval_batches, make_train_iterator
from pix2pix_flax.data.readers import make_reader
from pix2pix_flax.data.source import DatasetError
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.report import evaluate_checkpoint
from pix2pix_flax.export.exporter import export_generator
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.inference.exported import load_exported
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.pretrained.generator import StyleError, load_generator
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.tasks.representation import Images
from pix2pix_flax.tasks.styled import Styled
from pix2pix_flax.train import train

PHOTO = skimage.data.coffee()
NAMES = ("ink", "sketch", "poster")


def make_config(**changes):
    config = styles.get_config("smoke")
    with config.unlocked():
        config.data.styles = NAMES
        for path, value in changes.items():
            group, name = path.split("__")
            config[group][name] = value
    return config


def make_batch(size=40):
    """A piece of a photograph in each style, as the reader gives them."""
    photo = PHOTO[100 : 100 + size, 200 : 200 + size]
    numbers = [np.full((size, size, 1), number, np.uint8) for number in range(len(NAMES))]
    return {
        "input": np.stack([np.concatenate([photo, number], axis=-1) for number in numbers]),
        "target": np.stack([cartoonize(photo, name, line_width=1.0) for name in NAMES]),
    }


@pytest.fixture(scope="module")
def task():
    return make_task(make_config(), total_steps=10)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A data_dir with `cartoon_tfds/three`: small views, drawn in three styles."""
    path = tmp_path_factory.mktemp("data")
    recipe = Cartoons(style=",".join(NAMES), views_per_photo=3, view_size=48, line_width=1.0)
    Builder(config=CartoonConfig(name="three", recipe=recipe), data_dir=path).download_and_prepare()
    return path


@pytest.fixture(scope="module")
def run(data_dir, tmp_path_factory):
    """A work directory of a network that has learned for a few steps.

    It began with large weights, so that pictures in its styles differ from the first.
    """
    workdir = tmp_path_factory.mktemp("styled")
    config = make_config(data__name="cartoon_tfds/three", data__data_dir=str(data_dir))
    config.train.steps, config.generator.kernel_init = 4, "kaiming"
    assert train(config, workdir) == 0
    return workdir


def test_the_config_has_all_styles():
    assert styles.get_config().data.styles == tuple(STYLES)


def test_examples_come_with_their_style(data_dir):
    config = make_config(data__name="cartoon_tfds/three", data__data_dir=str(data_dir))
    batches = [next(make_train_iterator(config, batch_size=8, seed=0))]
    batches += [batch.images for batch in eval_batches(config, split="test", batch_size=8)]
    seen = set()
    for batch in batches:
        photos, numbers = batch["input"][..., :3], batch["input"][..., 3]
        assert (numbers == numbers[:, :1, :1]).all()
        for photo, number, target in zip(photos, numbers[:, 0, 0], batch["target"], strict=True):
            seen.add(int(number))
            # Only the pencil leaves no colour, but for rounding.
            assert (np.ptp(target.astype(int), axis=-1).max() < 4) == (NAMES[number] == "sketch")
            assert photo.shape == target.shape
    assert seen == {0, 1, 2}


def test_a_style_without_a_number_is_named():
    pair = {"photo": PHOTO, "cartoon": PHOTO}
    read = make_reader(make_config().data)
    assert read({**pair, "style": b"poster"})["input"][0, 0, 3] == 2
    with pytest.raises(DatasetError, match=r"is 'oil', but config.data.styles has: ink, sketch"):
        read({**pair, "style": b"oil"})
    with pytest.raises(DatasetError, match=r"is '', but config.data.styles has"):
        read(pair)
    assert make_reader(default.get_config().data)(pair)["input"].shape == PHOTO.shape


def test_the_networks_see_a_plane_a_style(task):
    batch = make_batch()
    inputs = np.asarray(task.representation.to_input(batch["input"]))
    assert inputs.shape == (3, 40, 40, 6)
    np.testing.assert_array_equal(inputs[..., :3], normalize(batch["input"][..., :3]))
    expected = np.eye(3)[:, None, None] * np.ones((1, 40, 40, 1))
    np.testing.assert_array_equal(inputs[..., 3:], expected)
    told = task.representation.to_input(batch["input"][..., :3])
    np.testing.assert_array_equal(told[..., 3:], expected[:1].repeat(3, axis=0))  # ink
    nets = jax.eval_shape(task.init, jax.random.key(0), batch).nets
    firsts = {name: {x.shape[2] for x in jax.tree.leaves(nets[name].params) if x.ndim == 4}
              for name in ("gen", "disc")}  # fmt: skip
    assert 6 in firsts["gen"]
    assert 9 in firsts["disc"]


def test_grey_inputs_have_one_channel_before_the_planes():
    images = make_batch()["input"]
    grey = Images(1, 3).to_input(images[..., :3])
    found = Styled(1, 3, NAMES, "ink").to_input(images)
    np.testing.assert_array_equal(found[..., :1], grey)
    assert found.shape[-1] == 1 + len(NAMES)


def test_moved_views_keep_their_planes():
    task = make_task(make_config(loss_weights__consistency=1.0), total_steps=1)
    inputs = task.representation.to_input(make_batch()["input"])
    seen = np.asarray(task._views(jax.random.key(0), inputs))
    assert seen.shape == (6, 40, 40, 6)
    np.testing.assert_array_equal(seen[:3], inputs)
    np.testing.assert_array_equal(seen[3:, ..., 3:], inputs[..., 3:])
    assert (seen[3:, ..., :3] != inputs[..., :3]).mean() > 0.9


def test_one_network_learns_to_draw_one_picture_in_each_style():
    config = make_config(optimizer__learning_rate=4e-3, augment__flip=False)
    config.ema_decay = 0.9
    batch = make_batch(size=32)
    task = make_task(config, total_steps=120)
    state = jax.jit(task.init)(jax.random.key(0), batch)
    step = jax.jit(task.train_step)
    for _ in range(120):
        state, _ = step(state, batch)
    outputs = task.predict(state.generator.variables, batch["input"])
    wanted = normalize(batch["target"])
    distances = jnp.abs(outputs[:, None] - wanted[None]).mean((2, 3, 4))
    np.testing.assert_array_equal(distances.argmin(axis=1), [0, 1, 2])
    apart = distances.sum() - jnp.trace(distances)
    assert jnp.trace(distances) / 3 < apart / 6 / 2


def test_each_example_is_scored_in_its_own_style(run, data_dir):
    report, panel = evaluate_checkpoint(run, DatasetChoice(split="test"), vgg16=False, panel_rows=2)
    assert panel.shape[2] == 3
    found, control = report.summary["network"], report.summary["input"]
    by_style = {f"l1_{name}" for name in NAMES}
    assert by_style < found.keys()
    assert by_style < control.keys()
    config = make_config(data__name="cartoon_tfds/three", data__data_dir=str(data_dir))
    losses = {name: [] for name in NAMES}
    predict = {name: load_predictor(run, style=name) for name in NAMES}
    for batch in eval_batches(config, split="test", batch_size=1):
        picture, name = batch.images["input"], NAMES[batch.images["input"][0, 0, 0, 3]]
        output = predict[name](picture[..., :3])
        losses[name].append(np.abs(normalize(output) - normalize(batch.images["target"])).mean())
    for name, values in losses.items():
        np.testing.assert_allclose(found[f"l1_{name}"], np.mean(values), atol=1e-3)
    every = np.concatenate(list(losses.values()))
    np.testing.assert_allclose(found["l1"], every.mean(), atol=1e-3)


def test_a_user_chooses_the_style(run):
    photos = PHOTO[None, 60:100, 80:132]
    pictures = {name: load_predictor(run, style=name)(photos) for name in NAMES}
    np.testing.assert_array_equal(load_predictor(run)(photos), pictures["ink"])
    assert (pictures["ink"] != pictures["sketch"]).any()
    assert (pictures["ink"] != pictures["poster"]).any()
    with pytest.raises(StyleError, match=r"has no style 'oil'; it has: ink, sketch, poster$"):
        load_predictor(run, style="oil")
    with pytest.raises(
        StyleError, match=r"lite.safetensors was trained without named styles: leave out"
    ):
        load_predictor("lite", style="ink")


def test_the_flags_choose_style_and_strength(run):
    photos = PHOTO[None, 60:100, 80:132]
    flags.FLAGS.mark_as_parsed()
    with flagsaver.as_parsed(checkpoint=str(run), style="poster", strength="0.5"):
        translate = make_translator()
    flags.FLAGS.unparse_flags()
    whole = load_predictor(run, style="poster")(photos)
    assert np.abs(2.0 * translate(photos) - photos - whole).max() <= 1


def test_tiles_of_a_style_are_those_of_the_whole_picture(run):
    picture = PHOTO[None, :120, :160]
    whole = load_predictor(run, style="poster")(picture)
    tiled = TiledPredictor(load_predictor(run, style="poster"), tile=64, halo="exact")
    np.testing.assert_array_equal(tiled(picture), whole)


@pytest.mark.parametrize(
    ("file_format", "runtimes"),
    [("onnx", ["onnx", "onnxruntime"]), ("stablehlo", ["flatbuffers"]), ("safetensors", [])],
)
def test_a_file_draws_in_the_style_of_its_export(run, tmp_path, file_format, runtimes):
    for runtime in runtimes:
        pytest.importorskip(runtime)
    path = tmp_path / f"a.{file_format}"
    photos = [PHOTO[:60, :80], PHOTO[100:160, 100:180]]
    report = export_generator(run, file_format, path, photos, style="poster")
    assert report.difference <= 1
    picture = PHOTO[None, 60:99, 80:131]
    names = ("poster", "ink")
    wanted = {name: np.int32(load_predictor(run, style=name)(picture)) for name in names}
    if file_format == "safetensors":
        assert load_generator(path).config.styled.style == "poster"
        np.testing.assert_array_equal(load_predictor(path, style="ink")(picture), wanted["ink"])
        translate = load_predictor(path)
    else:
        translate = load_exported(path)
    assert np.abs(translate(picture) - wanted["poster"]).max() <= 1
    assert np.abs(translate(picture) - wanted["ink"]).max() > 1


@pytest.mark.parametrize(
    ("style", "names", "message"),
    [
        ("oil", NAMES, r"config.styled.style must be .* \(ink, sketch, poster\), not 'oil'"),
        ("ink", (), r"one of config.data.styles \(\), not 'ink'"),
    ],
)
def test_a_wrong_choice_is_named(style, names, message):
    with pytest.raises(UserError, match=message):
        make_task(make_config(styled__style=style, data__styles=names), total_steps=1)


def test_styles_need_the_style_of_images_without_one():
    config = default.get_config("smoke")
    config.data.styles = NAMES
    with pytest.raises(UserError, match=r"config\.data\.styles needs config\.styled\.style"):
        make_task(config, total_steps=1)


def test_what_is_shown_is_photograph_target_output(task):
    batch = make_batch()
    state = jax.jit(task.init)(jax.random.key(0), batch)
    (panel,) = jax.jit(task.visualize)(state, batch).values()
    photo, target, output = np.split(np.asarray(panel), 3, axis=2)
    np.testing.assert_array_equal(photo, batch["input"][..., :3])
    np.testing.assert_array_equal(target, batch["target"])
    expected = denormalize(jax.jit(task.predict)(state.generator.variables, batch["input"]))
    assert np.abs(np.int32(output) - expected).max() <= 1
