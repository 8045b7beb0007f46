import importlib
import json
import math
from pathlib import Path

import ml_collections
import pytest

from cartoon_tfds.errors import UserError
from pix2pix_flax import ranges
from pix2pix_flax.checkpoint import migrations

CONFIGS = sorted(
    path.stem
    for path in (Path(__file__).parents[2] / "configs").glob("*.py")
    if path.stem != "base"
)


@pytest.mark.parametrize("variant", ["", "smoke"])
@pytest.mark.parametrize("name", CONFIGS)
def test_each_number_of_each_configuration_has_a_range_and_is_in_it(name, variant):
    config = importlib.import_module(f"configs.{name}").get_config(variant)
    missing = {key for key, _ in ranges.numbers(config) if ranges.range_of(key) is None}
    assert not {key for key in missing if key != "data.palette"}
    ranges.check(config)


def test_configurations_of_the_first_layout_are_in_their_ranges():
    path = Path(__file__).with_name("checkpoint") / "data" / "first_layout.json"
    for config in json.loads(path.read_text()).values():
        ranges.check(migrations.complete(config))


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("ema_decay", 2.0, "at least 0 and less than 1, not 2.0."),
        ("ema_decay", 1.0, "at least 0 and less than 1, not 1.0."),
        ("optimizer.learning_rate", math.nan, "at least 0, not nan."),
        ("optimizer.learning_rate", math.inf, "at least 0, not inf."),
        ("optimizer.learning_rate", -1e-4, "at least 0, not -0.0001."),
        ("generator.width", 10**9, "at least 1 and at most 4096, not 1000000000."),
        ("generator.width", 0, "at least 1 and at most 4096, not 0."),
        ("train.batch_size", 0, "more than 0, not 0."),
        ("train.steps", -5, "more than 0, not -5."),
        ("train.max_hours", math.nan, "at least 0, not nan."),
        ("train.keep_every_minutes", -1.0, "at least 0, not -1.0."),
        ("loss_weights.l1", -100.0, "at least 0, not -100.0."),
        ("optimizer.b2", 1.0, "at least 0 and less than 1, not 1.0."),
        ("sizes.canvas", -256, "at least 0 and at most 65536, not -256."),
        ("data.num_threads", 0, "at least 1 and at most 1024, not 0."),
    ],
)
def test_a_value_that_cannot_be_meant_is_named_with_its_range(key, value, text):
    group, _, name = key.rpartition(".")
    config = ml_collections.ConfigDict({group: {name: value}} if group else {name: value})
    with pytest.raises(UserError) as caught:
        ranges.check(config)
    assert str(caught.value) == f"config.{key} must be {text}"


def test_each_number_of_a_tuple_is_checked():
    with pytest.raises(UserError, match=r"^config\.perceptual\.layers must be at least 0, not -1"):
        ranges.check({"perceptual": {"layers": (0.5, -1)}})


def test_a_number_without_a_range_must_be_finite():
    ranges.check({"own": {"number": -3.5, "flag": True, "text": "nan"}})
    with pytest.raises(UserError, match=r"^config\.own\.number must be a finite number, not nan"):
        ranges.check({"own": {"number": math.nan}})
