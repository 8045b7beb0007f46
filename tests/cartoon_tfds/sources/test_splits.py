"""The split is a function of the photograph's bytes and of nothing else."""

import collections
import hashlib

import pytest

from cartoon_tfds.sources.packaged import PACKAGED
from cartoon_tfds.sources.splits import SPLITS, content_hash, split_of

# Written down by hand: a change here makes every measured number incomparable.
SAMPLE_SPLITS = {
    "train": {"astronaut", "china", "grace_hopper", "motorcycle", "rocket"},
    "validation": {"flower"},
    "test": {"chelsea", "coffee"},
}


def test_content_hash_is_sha256():
    assert content_hash(b"abc") == hashlib.sha256(b"abc").hexdigest()


def test_splits_of_the_sample_photographs():
    splits = collections.defaultdict(set)
    for item in PACKAGED:
        splits[split_of(item.sha256)].add(item.photo_id)
    assert splits == SAMPLE_SPLITS


def test_shares_are_80_10_10():
    hashes = (content_hash(str(number).encode()) for number in range(20_000))
    counts = collections.Counter(map(split_of, hashes))
    assert set(counts) == set(SPLITS)
    assert counts["train"] / 20_000 == pytest.approx(0.8, abs=0.01)
    assert counts["validation"] / 20_000 == pytest.approx(0.1, abs=0.01)
    assert counts["test"] / 20_000 == pytest.approx(0.1, abs=0.01)
