"""Records that are damaged in the middle of a shard."""

import logging

import numpy as np
import pytest
from tensorflow_datasets.proto import tf_example_pb2

from pix2pix_flax.cache import CACHE_VARIABLE
from pix2pix_flax.data import examples
from pix2pix_flax.data.pipeline import different_places, eval_batches, make_train_iterator
from pix2pix_flax.data.records import DamagedRecordError, DatasetError, damaged, verify
from pix2pix_flax.data.source import open_source, read_ids
from tests.pix2pix_flax.data.shards import NAME, SHARD, flip_a_bit, read_records, write_records


def zero_a_block(shard):
    data = bytearray(shard.read_bytes())
    start = len(data) // 3
    data[start : start + 4096] = bytes(4096)
    shard.write_bytes(data)


def damage_pngs(shard, places):
    """Damages the compressed pixels in records whose own checksums are right."""
    records = read_records(shard)
    for place in places:
        example = tf_example_pb2.Example.FromString(records[place])
        png = bytearray(example.features.feature["photo"].bytes_list.value[0])
        png[len(png) // 2] ^= 255
        example.features.feature["photo"].bytes_list.value[0] = bytes(png[: len(png) // 2 + 1])
        records[place] = example.SerializeToString(deterministic=True)
    write_records(shard, records)


def damage_a_png(shard):
    damage_pngs(shard, [7])


def places(data_dir):
    errors = list(damaged(open_source(NAME, "train", str(data_dir)), num_threads=2))
    return [error.place[1] for error in errors], errors


@pytest.mark.parametrize("damage", [flip_a_bit, zero_a_block, damage_a_png])
def test_a_damaged_record_is_one_line_with_the_file_and_the_check(copied, damage):
    data_dir, folder = copied
    assert places(data_dir)[0] == []
    shard = folder / SHARD.format("train")
    damage(shard)
    found, errors = places(data_dir)
    assert found
    assert not {0, 19} & set(found)
    text = str(errors[0])
    assert text.startswith(f"Record {found[0]} of {shard} is damaged (")
    assert f"python -m cartoon_tfds check {data_dir}." in text
    assert "config.data.max_damaged" in text
    assert "\n" not in text


def test_the_place_is_that_in_the_file(copied):
    data_dir, folder = copied
    flip_a_bit(folder / SHARD.format("train"))
    whole = places(data_dir)[0]
    part = open_source(NAME, "validation+train[5:]", str(data_dir))
    (error,) = damaged(part, num_threads=1)
    assert error.place == (str(folder / SHARD.format("train")), whole[0])


def batches(config, count, first=0):
    iterator = make_train_iterator(config, batch_size=4, seed=0)
    next(iterator)
    iterator.set_state({"next_index": first})
    return [next(iterator)["input"] for _ in range(count)]


def test_a_whole_record_stands_for_a_damaged_one(copied, smoke_config, caplog):
    data_dir, folder = copied
    whole = batches(smoke_config(data__data_dir=str(data_dir)), 10)
    flip_a_bit(folder / SHARD.format("train"))
    with pytest.raises(DamagedRecordError, match=r"^Record 12 of"):
        batches(smoke_config(data__data_dir=str(data_dir)), 10)
    config = smoke_config(data__data_dir=str(data_dir), data__max_damaged=1)
    with caplog.at_level(logging.WARNING, "pix2pix_flax"):
        found = batches(config, 10)
    (warning,) = [r.getMessage() for r in caplog.records if r.name.endswith("records")]
    assert warning.endswith("without it: number 1 of at most 1 (config.data.max_damaged).")
    differ = [
        (a != b).any(axis=(1, 2, 3)) for a, b in zip(whole, found, strict=True)
    ]  # each example is drawn once in 5 batches
    assert np.sum(differ) == 2
    for one, other in zip(batches(config, 3, first=7), found[7:], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("place", ["host", "disk"])
def test_a_repaired_record_is_no_longer_replaced(
    copied, smoke_config, place, tmp_path, monkeypatch
):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    data_dir, folder = copied
    whole = batches(smoke_config(data__data_dir=str(data_dir)), 5)
    shard = folder / SHARD.format("train")
    before = shard.read_bytes()
    damage_pngs(shard, [12])
    config = smoke_config(data__data_dir=str(data_dir), data__max_damaged=1, data__cache=place)
    # The fingerprint looks at 32 records: it does not see a damaged one of many thousands.
    monkeypatch.setattr(examples, "fingerprint", lambda *_: "equal")
    assert not np.array_equal(batches(config, 5), whole)
    shard.write_bytes(before)
    np.testing.assert_array_equal(batches(config, 5), whole)


def test_evaluation_leaves_a_damaged_record_out(copied, smoke_config):
    data_dir, folder = copied
    flip_a_bit(folder / SHARD.format("train"))

    def ids(**changes):
        config = smoke_config(data__data_dir=str(data_dir), **changes)
        return [name for b in eval_batches(config, split="train", batch_size=4) for name in b.ids]

    with pytest.raises(DamagedRecordError):
        ids()
    numbers = [int(name.partition(":")[0]) for name in ids(data__max_damaged=1)]
    assert sorted(numbers) == [n for n in range(20) if n != 12]


def test_the_examples_of_previews_leave_a_damaged_record_out(copied, smoke_config, caplog):
    data_dir, folder = copied
    flip_a_bit(folder / SHARD.format("train"))
    with pytest.raises(DamagedRecordError, match=r"^Record 12 of"):
        different_places(smoke_config(data__data_dir=str(data_dir)), "train", 20)
    config = smoke_config(data__data_dir=str(data_dir), data__max_damaged=1)
    assert different_places(config, "train", 20) == [n for n in range(20) if n != 12]
    assert "number 1 of at most 1 (config.data.max_damaged)" in caplog.text
    (whole,) = read_ids(NAME, "train", str(data_dir), [3])
    assert whole == 3


def test_no_whole_record_at_all_is_named(copied, smoke_config):
    data_dir, folder = copied
    damage_pngs(folder / SHARD.format("test"), range(8))
    config = smoke_config(data__data_dir=str(data_dir), data__max_damaged=99)
    expected = r"^Split 'test' of 'cartoon_tfds/tiny' has no whole example among the 8 that were"
    with pytest.raises(DatasetError, match=expected):
        next(eval_batches(config, split="test", batch_size=1))
    assert list(eval_batches(config, split="test", batch_size=1, places=[0, 1])) == []


def test_the_limit_counts_records(copied, smoke_config):
    data_dir, folder = copied
    flip_a_bit(folder / SHARD.format("train"))
    flip_a_bit(folder / SHARD.format("train"), 0.34)
    count = len(places(data_dir)[0])
    assert count >= 2
    config = smoke_config(data__data_dir=str(data_dir), data__max_damaged=count - 1)
    with pytest.raises(DamagedRecordError):
        batches(config, 10)
    config = smoke_config(data__data_dir=str(data_dir), data__max_damaged=count)
    assert len(batches(config, 10)) == 10


def test_verify_reads_all_records(copied, caplog):
    data_dir, folder = copied
    caplog.set_level(logging.INFO, "pix2pix_flax")

    def check(max_damaged):
        source = open_source(NAME, "train", str(data_dir))
        verify(source, "split 'train'", num_threads=2, max_damaged=max_damaged)

    check(0)
    assert caplog.messages[-1] == "All 20 records of split 'train' are whole."
    flip_a_bit(folder / SHARD.format("train"))
    with pytest.raises(DatasetError, match=r"^1 of the 20 records of split 'train' are damaged, "):
        check(0)
    check(1)
    assert caplog.messages[-1].startswith(
        "1 of the 20 records of split 'train' are damaged: Record"
    )
