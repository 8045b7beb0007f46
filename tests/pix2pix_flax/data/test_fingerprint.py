import io
import json

import pytest
from PIL import Image
from tensorflow_datasets.proto import tf_example_pb2

from pix2pix_flax.data.fingerprint import fingerprint, fingerprint_of_bytes, is_same
from tests.pix2pix_flax.data.shards import (
    NAME,
    SHARD,
    edit_info,
    flip_a_bit,
    read_records,
    write_records,
)


def change_pictures(record, change):
    """Returns a record whose PNG files are `change(picture)`, encoded with another compression."""
    example = tf_example_pb2.Example.FromString(record)
    for name in ("photo", "cartoon"):
        (png,) = example.features.feature[name].bytes_list.value
        file = io.BytesIO()
        change(Image.open(io.BytesIO(png))).save(file, "png", compress_level=1)
        example.features.feature[name].bytes_list.value[0] = file.getvalue()
    return example.SerializeToString(deterministic=True)


def brighter(picture):
    return picture.point(lambda level: min(255, level + 1))


@pytest.fixture
def shard(copied):
    return copied[1] / SHARD.format("train")


def test_it_is_that_of_the_records(copied, shard, dataset_dir):
    original = fingerprint(NAME, "train", str(dataset_dir))
    assert len(original) == 16 + 20 * 5
    data_dir = str(copied[0])
    assert fingerprint(NAME, "train", data_dir) == original
    assert fingerprint(NAME, "test", data_dir) != original
    assert fingerprint(NAME, "train[1:]", data_dir) != original

    records = read_records(shard)
    write_records(shard, records)
    assert fingerprint(NAME, "train", data_dir) == original
    write_records(shard, records[::-1])
    assert fingerprint(NAME, "train", data_dir) != original


def test_other_png_files_of_the_same_pixels_change_only_the_fingerprint_of_bytes(copied, shard):
    data_dir, folder = str(copied[0]), copied[1]
    of_pixels, of_bytes = (
        make(NAME, "train", data_dir) for make in (fingerprint, fingerprint_of_bytes)
    )
    write_records(
        shard, [change_pictures(record, lambda picture: picture) for record in read_records(shard)]
    )
    info = json.loads((folder / "dataset_info.json").read_text())
    train = next(split for split in info["splits"] if split["name"] == "train")
    train["numBytes"] = str(int(train["numBytes"]) + 5)
    edit_info(folder, splits=info["splits"])
    assert fingerprint(NAME, "train", data_dir) == of_pixels
    assert fingerprint_of_bytes(NAME, "train", data_dir) != of_bytes


@pytest.mark.parametrize("place", [0, 7, 19])
def test_other_pixels_change_it(copied, shard, place):
    data_dir = str(copied[0])
    original = fingerprint(NAME, "train", data_dir)
    records = read_records(shard)
    records[place] = change_pictures(records[place], brighter)
    write_records(shard, records)
    assert not is_same(fingerprint(NAME, "train", data_dir), original)


def test_a_damaged_record_is_not_compared(copied, shard):
    data_dir = str(copied[0])
    original = fingerprint(NAME, "train", data_dir)
    flip_a_bit(shard)
    damaged = fingerprint(NAME, "train", data_dir)
    assert damaged.split(".").count("?") == 1
    assert is_same(damaged, original)
    assert is_same(original, damaged)
    assert not is_same(damaged, fingerprint(NAME, "train[1:]", data_dir))


def test_it_changes_with_version_and_features(copied):
    data_dir, folder = str(copied[0]), copied[1]
    seen = {fingerprint(NAME, "train", data_dir)}
    features = folder / "features.json"
    features.write_text(features.read_text().replace('"png"', '"jpeg"', 1))
    seen.add(fingerprint(NAME, "train", data_dir))
    edit_info(folder, version="2.0.1")
    folder.rename(folder.with_name("2.0.1"))
    seen.add(fingerprint(NAME, "train", data_dir))
    assert len(seen) == 3
