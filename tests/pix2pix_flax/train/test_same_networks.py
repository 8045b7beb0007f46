"""A run goes on only if its networks compute the same as before."""

import json

import pytest

from cartoon_tfds.errors import UserError
from configs import anime, demo
from pix2pix_flax.train import train
from pix2pix_flax.train.same_networks import check_networks


def saved(config):
    """The values for JSON that a run of a configuration saves."""
    return {"config": json.loads(config.to_json())}


def test_a_drawing_in_other_tones_is_refused(smoke_config, trained_once):
    run = trained_once("demo", train__steps=1)
    config = smoke_config("demo", train__steps=2, generator__cel_steps=100)
    message = (
        r"networks are others now: config\.generator\.cel_steps was 6 and is 100\. "
        "Set them as before, or take a new --workdir"
    )
    with pytest.raises(UserError, match=message):
        train(config, run)


@pytest.mark.parametrize("module", [demo, anime])
def test_the_same_networks_and_changes_for_later_steps_are_right(module):
    config = module.get_config()
    check_networks(saved(config), config)
    changed = module.get_config()
    with changed.unlocked():
        changed.generator.kernel_init, changed.generator.dropout = "kaiming", 0.1
        changed.optimizer.learning_rate = 1.0
    check_networks(saved(config), changed)


def test_a_discriminator_that_sees_otherwise_is_refused():
    config = demo.get_config()
    before = saved(config)
    before["config"]["discriminator"]["norm"] = "instance"
    with pytest.raises(
        UserError, match=r"config\.discriminator\.norm was 'instance' and is 'batch'"
    ):
        check_networks(before, config)
