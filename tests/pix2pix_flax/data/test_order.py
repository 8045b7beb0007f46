"""A run goes on with its own examples in their own order, or says which setting has changed."""

import hashlib
import json

import ml_collections
import pytest

from pix2pix_flax.data.order import check_order, order_fingerprint
from pix2pix_flax.data.records import DatasetError

BATCH = 8


def test_order_is_told_apart_by_all_that_changes_it(smoke_config):
    def fingerprint(**changes):
        size = changes.pop("batch_size", BATCH)
        seed = changes.pop("seed", 0)
        config = smoke_config(**changes)
        return order_fingerprint(config, batch_size=size, seed=seed)

    palette = (("road", (128, 64, 128), (0,)),)
    found = [
        fingerprint(),
        fingerprint(seed=1),
        fingerprint(batch_size=4),
        fingerprint(sizes__canvas=64),
        fingerprint(data__styles=("ink", "poster")),
        fingerprint(data__styles=("poster", "ink")),
        fingerprint(data__labels="cartoon", data__palette=palette),
    ]
    assert len(set(found)) == len(found)
    assert fingerprint(sizes__evaluation=16, data__num_threads=1) == found[0]


PALETTE = (("road", (128, 64, 128), (0, 3)), ("sky", (0, 0, 0), ()), ("void", (255, 0, 0), ()))


def test_lists_of_a_saved_configuration_are_the_tuples_of_the_file(smoke_config):
    config = smoke_config(data__labels="cartoon", data__palette=PALETTE, data__styles=("ink",))
    saved = ml_collections.ConfigDict(json.loads(config.to_json()))
    assert isinstance(saved.data.palette[0][1], list)
    found = [order_fingerprint(one, batch_size=BATCH, seed=0) for one in (config, saved)]
    assert found[0] == found[1]


def test_a_run_with_a_palette_keeps_its_fingerprint(smoke_config):
    """By the fingerprint that runs had before lists were read as tuples."""
    config = smoke_config(data__labels="cartoon", data__palette=PALETTE, data__styles=("ink",))
    order = ("facts", ("photo", "cartoon"), "crop", 40, BATCH, 0, 1, "cartoon", PALETTE, ("ink",))
    expected = hashlib.sha256(repr(order).encode()).hexdigest()[:16]
    found = order_fingerprint(config, batch_size=BATCH, seed=0, of_examples=lambda *_: "facts.0123")
    assert found == f"{expected}.0123"


def refused(smoke_config, changes, run=None):
    before = smoke_config()
    saved = order_fingerprint(before, batch_size=before.train.batch_size, seed=0)
    run = {"data": {"fingerprint": saved}, "config": json.loads(before.to_json())} | (run or {})
    now = smoke_config(**changes)
    with pytest.raises(DatasetError) as caught:
        check_order(run, now, batch_size=now.train.batch_size, seed=now.seed)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seed": 7}, "config.seed was 0 and is 7"),
        ({"train__batch_size": 2}, "config.train.batch_size was 4 and is 2"),
        (
            {"data__features": ("cartoon", "photo")},
            "config.data.features was ['photo', 'cartoon'] and is ['cartoon', 'photo']",
        ),
        (
            {"seed": 7, "sizes__canvas": 64},
            "config.sizes.canvas was 40 and is 64; config.seed was 0 and is 7",
        ),
    ],
)
def test_a_changed_setting_is_named(smoke_config, changes, reason):
    assert refused(smoke_config, changes) == (
        f"This run cannot be resumed, for its data are others now: {reason}. "
        "Set them as before, or take a new --workdir."
    )


def test_other_examples_are_named(smoke_config):
    run = {"data": {"fingerprint": "0123456789abcdef.0123"}}
    assert "the examples of the dataset have changed" in refused(smoke_config, {}, run=run)


def test_a_run_with_fewer_settings_is_refused_too(smoke_config):
    run = {"config": {"train": {}, "seed": 0}}
    text = refused(smoke_config, {"seed": 7, "train__batch_size": 2}, run=run)
    assert "others now: config.seed was 0 and is 7. Set" in text
