"""Checkpoints of older versions are read as what they were."""

import importlib
from pathlib import Path

import pytest
from flax.traverse_util import flatten_dict

from pix2pix_flax.checkpoint import migrations
from pix2pix_flax.checkpoint.migrations import complete
from pix2pix_flax.pretrained.generator import load_generator
from pix2pix_flax.tasks.factory import make_task

NAMES = sorted(path.stem for path in Path(__file__).parents[3].joinpath("configs").glob("*.py"))


def of_today(name):
    return importlib.import_module(f"configs.{name}").get_config().to_dict()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_complete_stays_as_it_is(name):
    assert complete(of_today(name)).to_dict() == of_today(name)


@pytest.mark.parametrize("name", ["default", "l1", "paper"])
def test_what_the_first_version_wrote_becomes_complete(name):
    first = of_today(name)
    for new in (*migrations._NEW_VALUES, *migrations._NEW_OF_PAIRS):
        del first[new]
    for group, new in migrations._NEW_KEYS.items():
        for key in new.keys() & first.get(group, {}).keys():
            del first[group][key]
    completed = complete(first)
    assert completed.to_dict() == of_today(name)
    make_task(completed, total_steps=1)


def test_the_network_that_comes_along_has_the_keys_of_today():
    """Its file is of an older version; a new key without a line in `older_configs` is missing."""
    shipped = load_generator("lite").config.to_dict()
    assert flatten_dict(shipped).keys() == flatten_dict(of_today("default")).keys()
