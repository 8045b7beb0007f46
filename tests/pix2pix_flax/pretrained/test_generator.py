"""The generators that come with the package, and where a generator is looked for."""

import importlib
import json
from pathlib import Path

import jax
import numpy as np
import pytest
import safetensors
import skimage.data

from cartoon_tfds.styles import cartoonize
from pix2pix_flax.checkpoint.manager import CheckpointError
from pix2pix_flax.image.resampling import imresize
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.metrics import psnr
from pix2pix_flax.pretrained.generator import METADATA, SHIPPED, load_generator, to_safetensors

LIMITS = {"lite": 500_000, "lite_x4": 500_000, "mid": 2_000_000}
CARTOONS = [name for name in SHIPPED if name != "lite_x4"]
FOLDER = Path(importlib.util.find_spec("pix2pix_flax").origin).with_name("pretrained") / "shipped"


def test_all_that_are_shipped_have_a_limit_and_are_small_together():
    assert set(SHIPPED) <= LIMITS.keys()
    assert {"lite", "lite_x4"} <= set(SHIPPED)
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 16 * 2**20


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_what_its_config_says(name):
    generator = load_generator(name)
    config = importlib.import_module(f"configs.{name}").get_config()
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
        cartoon = cartoonize(photo)
        assert decibels(predict(photo[None])[0], cartoon) > decibels(photo, cartoon) + 1


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
    assert len(rows) == 59
    assert all(cell.strip() for row in rows for cell in row[1:-1])
