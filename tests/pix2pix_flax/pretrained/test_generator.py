"""The generators that come with the package, and where a generator is looked for."""

import functools
import importlib
import json
import shutil
import time
from pathlib import Path

import jax
import numpy as np
import pytest
import safetensors.numpy
import skimage.data

from benchmarks import look_metrics, style_metrics
from cartoon_tfds.styles import cartoonize
from pix2pix_flax.checkpoint.manager import CheckpointError
from pix2pix_flax.image.colour import rgb_to_lab
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.image.resampling import imresize
from pix2pix_flax.inference.hinted import HintedNetwork
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.reference import Reference
from pix2pix_flax.metrics import psnr
from pix2pix_flax.pretrained.generator import (
    METADATA,
    SHIPPED,
    GeneratorFileError,
    load_generator,
    started_from,
    to_safetensors,
)
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.train import Trainer, train

LIMITS = {  # of the number of parameters
    "comics": 1_500_000,
    "lite": 500_000,
    "lite_x4": 500_000,
    "lite_x4_clean": 700_000,
    "lite_x4_real": 700_000,
    "mid": 2_000_000,
    "poster": 500_000,
    "sketch": 500_000,
    "watercolour": 500_000,
}

# Variants of the configurations, if not the file itself.
LAST_TRAINING = {"comics": "lite", "lite": "steady"} | dict.fromkeys(
    ("mid", "poster", "sketch", "watercolour"), "longer"
)

# Least share of the photograph's contours that stays. A print melts low ones together, as its style
# does.
KEEP = {"poster": 0.7}
CARTOONS = [name for name in SHIPPED if not name.startswith(("comics", "lite_x4"))]


FOLDER = Path(importlib.util.find_spec("pix2pix_flax").origin).with_name("pretrained") / "shipped"


def test_all_that_are_shipped_have_a_limit_and_are_small_together():
    assert set(SHIPPED) <= LIMITS.keys()
    assert {"lite", "lite_x4"} <= set(SHIPPED)
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 16 * 2**20


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_what_its_config_says(name):
    generator = load_generator(name)
    config = importlib.import_module(f"configs.{name}").get_config(LAST_TRAINING.get(name, ""))
    assert generator.origin == FOLDER / f"{name}.safetensors"
    count = sum(leaf.size for leaf in jax.tree.leaves(generator.variables["params"]))
    assert count < LIMITS[name]
    found, expected = generator.config.to_dict(), config.to_dict()
    for field in ("generator", "consistency", "loss_weights", "optimizer", "augment", "seed"):
        assert found[field] == expected[field], field


@pytest.mark.parametrize("name", CARTOONS)
def test_it_draws_cartoons_of_photographs_that_it_never_saw(name):
    predict = load_predictor(name)
    for photo in (skimage.data.chelsea()[:256, 60:316], skimage.data.astronaut()[:256, 100:356]):
        cartoon = predict(photo[None])[0]
        assert style_metrics.flat_share(cartoon) > style_metrics.flat_share(photo) + 0.05
        assert style_metrics.edge_keep(photo, cartoon) > KEEP.get(name, 0.9)
        vivid = look_metrics.look(photo, cartoon).vivid
        assert vivid < 0.05 if name == "sketch" else vivid > 1.05


def decibels(one, other):
    return float(psnr(*(np.float32(image[None]) / 127.5 - 1 for image in (one, other)))[0])


def detail(image):
    return np.abs(np.diff(np.float32(image), axis=1)).mean()


def test_enlarged_photographs_are_sharper_than_bicubic_and_as_near_to_the_original():
    predict = load_predictor("lite_x4")
    for photo in (skimage.data.chelsea()[:256, 60:316], skimage.data.coffee()[:256, 200:456]):
        small = np.uint8(imresize(photo[None], 64, 64))
        network, bicubic = predict(small)[0], np.uint8(imresize(small, 256, 256))[0]
        assert network.shape == photo.shape
        assert decibels(network, photo) > decibels(bicubic, photo) - 0.6
        assert 1.3 * detail(bicubic) < detail(network) < detail(photo)


def test_noise_is_not_made_sharper():
    predict, of_clean = load_predictor("lite_x4_real"), load_predictor("lite_x4")
    rng = np.random.default_rng(0)
    for photo in (skimage.data.chelsea()[:256, 60:316], skimage.data.coffee()[:256, 200:456]):
        noisy = imresize(photo[None], 64, 64) + 10 * rng.standard_normal((1, 64, 64, 3))
        small = np.uint8(np.clip(noisy, 0, 255))
        network, other = predict(small)[0], of_clean(small)[0]
        assert decibels(network, photo) > decibels(other, photo) + 0.8
        assert detail(network) < 0.7 * detail(other)


def test_hints_and_a_reference_give_a_drawing_its_colours():
    drawing = cartoonize(skimage.data.chelsea()[:256, 60:316], "ink")
    network = load_predictor("comics")
    hints = np.zeros((256, 256, 4), np.uint8)
    rows, columns = np.indices((256, 256)) % 32
    hints[(rows < 7) & (columns < 7)] = 255
    hints[..., :3] = drawing

    def error(image):
        one, other = (rgb_to_lab(normalize(x))[..., 1:] for x in (image, drawing))
        return np.abs(np.asarray(one - other)).mean()

    alone = error(network(drawing[None])[0])
    hinted = error(network(np.concatenate([drawing, hints], axis=-1)[None])[0])
    mirrored = HintedNetwork(network, Reference(np.ascontiguousarray(drawing[:, ::-1])))
    referred = error(mirrored(drawing[None])[0])
    assert hinted < 0.5 * alone
    assert referred < 0.8 * alone


@pytest.mark.parametrize("name", SHIPPED)
def test_the_file_tells_nothing_of_the_machine_that_made_it(name):
    with safetensors.safe_open(FOLDER / f"{name}.safetensors", framework="numpy") as file:
        config = json.loads(file.metadata()[METADATA])
    assert config["data"]["data_dir"] is None
    assert "/" not in json.dumps({**config, "data": {**config["data"], "name": ""}})


def test_a_file_of_the_users_goes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = load_generator("lite")
    (tmp_path / "lite").mkdir()
    with pytest.raises(CheckpointError, match="lite is not a checkpoint"):
        load_generator("lite")
    (tmp_path / "lite").rmdir()
    (tmp_path / "lite.safetensors").write_bytes(to_safetensors(shipped))
    assert load_generator("lite.safetensors").origin == Path("lite.safetensors")
    assert load_generator("lite").origin == shipped.origin


def test_every_photograph_behind_them_is_named():
    text = (FOLDER / "ATTRIBUTION.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("|")][2:]
    assert len(rows) == 62
    assert all(cell.strip() for row in rows for cell in row[1:-1])


ARRAYS = {name: np.zeros((4, 32, 32, 3), np.uint8) for name in ("input", "target")}


def test_a_training_starts_from_the_generator_of_another(trained, smoke_config, tmp_path):
    changes = {"train__steps": 1, "optimizer__learning_rate": 0.0}
    config = smoke_config(init_from=str(trained), **changes)
    assert train(config, tmp_path) == 0
    found = load_generator(tmp_path)
    wanted = load_generator(trained).variables["params"]
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5)
    jax.tree.map(close, found.variables["params"], wanted)
    assert found.config.init_from == str(trained)
    assert str(trained).encode() not in to_safetensors(found)


def test_a_run_that_goes_on_needs_no_beginning(trained, smoke_config, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    trainer = Trainer(smoke_config(init_from=str(tmp_path / "gone")), tmp_path / "run")
    trainer.close()
    assert int(trainer.state.step) == 8


def test_all_else_stays_as_it_is(trained, smoke_config):
    state = jax.jit(make_task(smoke_config(), 1).init)(jax.random.key(0), ARRAYS)
    started = started_from(trained, state)
    assert started.nets["disc"] is state.nets["disc"]
    assert started.nets["gen"].opt_state is state.nets["gen"].opt_state
    pairs = zip(
        *(jax.tree.leaves(started.nets[name].params) for name in ("gen", "gen_ema")), strict=True
    )
    assert all(a is not b for a, b in pairs)  # a step donates both


def test_what_is_no_checkpoint_is_told_what_it_is(tmp_path):
    for name in ("first", "second"):
        (tmp_path / "runs" / name / "checkpoints").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="It holds the runs first, second: name one of them"):
        load_generator(tmp_path / "runs")
    (tmp_path / "lite.onnx").touch()
    with pytest.raises(CheckpointError, match=r"inference\.exported\.load_exported"):
        load_generator(tmp_path / "lite.onnx")


def test_a_beginning_that_is_missing_or_of_another_network_is_named(trained, smoke_config):
    state = jax.eval_shape(make_task(smoke_config(), 1).init, jax.random.key(0), ARRAYS)
    with pytest.raises(CheckpointError, match="nowhere is not a checkpoint"):
        started_from("nowhere", state)
    task = make_task(smoke_config(generator__width=4), 1)
    state = jax.eval_shape(task.init, jax.random.key(0), ARRAYS)
    message = r"config.init_from: .*holds another network: .* instead of "
    with pytest.raises(CheckpointError, match=message):
        started_from(trained, state)


def rewritten(path, generator=None, **arrays):
    """Writes `lite` with other values of its generator's configuration and other arrays."""
    content = to_safetensors(load_generator("lite"))
    with safetensors.safe_open(FOLDER / "lite.safetensors", framework="numpy") as file:
        config = json.loads(file.metadata()[METADATA])
    config["generator"] |= generator or {}
    found = safetensors.numpy.load(content) | arrays
    path.write_bytes(safetensors.numpy.save(found, metadata={METADATA: json.dumps(config)}))
    return path


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"blocks": 10**7}, "blocks is 10000000, more than 128"),
        ({"depth": 200_000}, "depth is 200000, more than 16"),
        ({"width": 10**9}, "width is 1000000000, more than 8192"),
        ({"fine_width": -(10**9)}, "fine_width is -1000000000, more than 8192"),
        ({"cel_steps": 10**9}, "cel_steps is 1000000000, more than 8192"),
        ({"width": float("nan")}, "width is nan, more than"),
    ],
)
def test_giant_networks_are_refused_before_they_are_built(tmp_path, values, cause):
    path = rewritten(tmp_path / "a.safetensors", values)
    start = time.monotonic()
    with pytest.raises(GeneratorFileError, match=f"config.generator.{cause}"):
        load_generator(path)
    assert time.monotonic() - start < 3


def test_a_giant_header_is_refused(tmp_path):
    path = rewritten(tmp_path / "a.safetensors", {"width": 20, "x": "y" * 2**22})
    with pytest.raises(GeneratorFileError, match="its header has more than 4194304 bytes"):
        load_generator(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    name = "params/down0/kernel"
    kernel = np.array(load_generator("lite").variables["params"]["down0"]["kernel"])
    assert load_generator(rewritten(tmp_path / "a.safetensors", **{name: kernel}))
    kernel.flat[-1] = value
    path = rewritten(tmp_path / "b.safetensors", **{name: kernel})
    with pytest.raises(GeneratorFileError, match=f"{name} has numbers that are not finite"):
        load_generator(path)
