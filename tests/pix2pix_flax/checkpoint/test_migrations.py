"""Configurations of older versions become configurations of today."""

import copy
import importlib
import json
from pathlib import Path

import ml_collections
import pytest
from flax.traverse_util import flatten_dict

from pix2pix_flax.checkpoint import migrations
from pix2pix_flax.checkpoint.migrations import complete
from pix2pix_flax.pretrained.generator import SHIPPED, load_generator
from pix2pix_flax.tasks.factory import make_task

CONFIGS = Path(__file__).parents[3] / "configs"
NAMES = sorted(path.stem for path in CONFIGS.glob("*.py") if path.stem != "base")

FIRST_LAYOUT = json.loads(
    Path(__file__).with_name("data").joinpath("first_layout.json").read_text()
)
"""The files in configs/ of the last version that had the first layout, by name."""


_RGB = {
    "generator.fine_width": 0,
    "generator.cel_steps": 0,
    "loss_weights.ink": 0.0,
    "loss_weights.gradient": 0.0,
    "sizes.inference": 0,
}
_BY_STEPS = {
    "train.eval_every_steps": 2_500,
    "train.eval_every_epochs": 0.0,
    "train.preview_every_epochs": 0.0,
    "train.keep_every_epochs": 0.0,
}
CHANGED = {
    "anime": {**_BY_STEPS, "generator.upsample": "transpose"},
    "camvid": {"augment.min_scale": 1.0, "augment.max_scale": 1.0, "sizes.canvas": 256},
    "comics": {
        "hints.max_points": 0,
        "generator.norm": "batch",
        "generator.kernel_init": "normal",
        "generator.fine_width": 0,
    },
    "dcgan": _BY_STEPS,
    "default": _RGB,
    "l1": _RGB,
    "mid": {
        **_RGB,
        "loss_weights.l1": 50.0,
        "loss_weights.lpips": 50.0,
        "loss_weights.gradient": 50.0,
        "loss_weights.consistency": 20.0,
        "consistency.noise": 0.03,
        "perceptual.net": "alexnet",
        "generator.width": 24,
        "discriminator.width": 16,
        "optimizer.learning_rate": 2e-3,
        "optimizer.decay_start": 0.2,
        "sizes.crop": 64,
        "train.steps": 8_000,
        "train.eval_examples": 64,
    },
    "styles": {
        "data.styles": ("ink", "soft", "watercolour", "sketch", "poster", "opencv", "classic"),
    },
}
"""Values of these files that were others in the first layout."""


def of_today(name):
    return importlib.import_module(f"configs.{name}").get_config().to_dict()


def in_first_layout(name, variant=""):
    """Returns the keys of today, with the values that the file had in the first layout."""
    today = "steady" if name == "mid" else name  # mid had a discriminator, as steady has
    config = importlib.import_module(f"configs.{today}").get_config(variant)
    with config.unlocked():
        config.update_from_flattened_dict(CHANGED.get(name, {}))
    return as_json(config.to_dict())


def as_json(config):
    """Returns a configuration with lists for tuples, as a checkpoint holds it."""
    return json.loads(ml_collections.ConfigDict(config).to_json())


def without_new_keys(values):
    """Returns a first layout as its first version wrote it, without the keys that came later."""
    values = copy.deepcopy(values)
    for name in (*migrations._NEW_VALUES, *migrations._NEW_OF_PAIRS):
        values.pop(name, None)
    for group, new in migrations._NEW_KEYS.items():
        for key in new.keys() & values.get(group, {}).keys():
            del values[group][key]
    return values


@pytest.mark.parametrize("name", NAMES)
def test_a_config_of_today_stays_unchanged(name):
    assert complete(of_today(name)).to_dict() == of_today(name)


@pytest.mark.parametrize("name", NAMES)
def test_keys_that_came_later_are_added(name):
    expected = of_today(name)
    given = copy.deepcopy(expected)
    for group, new in migrations._LATER_KEYS.items():
        for key in new.keys() & given.get(group, {}).keys():
            del given[group][key]
            expected[group][key] = new[key]
    assert complete(given).to_dict() == expected


@pytest.mark.parametrize("name", FIRST_LAYOUT)
def test_the_first_layout_becomes_the_config_of_today(name):
    given = copy.deepcopy(FIRST_LAYOUT[name])
    found, expected = as_json(complete(given)), in_first_layout(name)
    assert given == FIRST_LAYOUT[name]  # the argument is unchanged
    if name == "camvid":  # the colours never used this weight: it was 1.0 and is 0.0
        weights = [config["loss_weights"].pop("cross_entropy") for config in (found, expected)]
        assert weights == [1.0, 0.0]
    assert found == expected


@pytest.mark.parametrize("name", ["default", "l1", "paper"])
def test_a_config_of_the_first_version_gets_the_missing_keys(name):
    first = without_new_keys(FIRST_LAYOUT[name])
    assert not {"perceptual", "consistency", "gan", "init_from"} & first.keys()
    completed = complete(first)
    assert as_json(completed) == in_first_layout(name)
    make_task(completed, total_steps=1)


@pytest.mark.parametrize("name", FIRST_LAYOUT)
def test_a_translated_config_makes_a_task(name):
    task = make_task(complete(FIRST_LAYOUT[name]), total_steps=1)
    assert task.input_kind == ("latent" if name == "anime" else "image")


def test_a_classifier_of_pixels_becomes_segmentation_by_logits():
    old = copy.deepcopy(FIRST_LAYOUT["camvid"])
    old["task"], old["generator"]["out_channels"] = "segmentation", 11
    found = as_json(complete(old))
    assert found == in_first_layout("camvid", "supervised")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_generator_has_the_keys_of_today(name):
    """Its file is of an older version; a new key without a line in `migrations` is missing."""
    shipped = load_generator(name).config.to_dict()
    assert flatten_dict(shipped).keys() == flatten_dict(of_today(name)).keys()


def test_an_older_dcgan_judges_each_image_alone():
    given = of_today("anime")
    given["discriminator"]["deviation_group"] = 4
    assert complete(given).discriminator.deviation_group == 4
    del given["discriminator"]["deviation_group"]
    assert complete(given).discriminator.deviation_group == 0


def test_older_networks_that_enlarge_are_reduced_cleanly_and_see_grey_borders():
    given = of_today("rrdb")
    del given["degradation"], given["generator"]["unit_range"]
    found = complete(given)
    assert (found.degradation, found.generator.unit_range) == ("clean", False)
    assert complete(of_today("lite_x4_real")).degradation == "light"
