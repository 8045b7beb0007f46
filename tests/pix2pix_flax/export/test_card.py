"""The training pictures that a model card counts."""

import json

import pytest

from pix2pix_flax.export.card import CardFacts, count_pictures, make_card
from tests.pix2pix_flax.data.shards import NAME


def pictures(dataset_dir, *splits):
    """Returns the number of photographs in these splits by licence, from the manifest."""
    (path,) = (dataset_dir / NAME).glob("*/manifest.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    licences = {line["id"]: line["license"] for line in lines if line.get("split") in splits}
    values = list(licences.values())
    return {licence: values.count(licence) for licence in values}


@pytest.mark.parametrize(
    ("train_split", "splits"),
    [
        ("train", ["train"]),
        ("train+validation", ["train", "validation"]),
        ("train + test[:4]+extra", ["train", "test"]),
        ("all", ["train", "validation", "test"]),
        ("all[:50%]", ["train", "validation", "test"]),
        ("train[4:]", ["train"]),
    ],
)
def test_the_card_counts_the_pictures_of_all_parts_of_a_split(
    train_split, splits, smoke_config, dataset_dir
):
    config = smoke_config(data__train_split=train_split)
    found = count_pictures(config)
    assert found == pictures(dataset_dir, *splits)
    assert found
    facts = CardFacts("mine", None, config, "image-to-image", 1, 1, found, {}, NAME, "validation")
    card = make_card(facts)
    head = "pictures, at most" if "[" in train_split else "pictures"
    assert f"| licence | {head} |" in card
    assert "not known here" not in card


def test_pictures_without_a_manifest_are_unknown(smoke_config, tmp_path):
    config = smoke_config(data__data_dir=str(tmp_path))
    assert count_pictures(config) == {}
