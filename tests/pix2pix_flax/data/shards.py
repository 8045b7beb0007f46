"""Reads and changes the files of the dataset `cartoon_tfds/tiny`."""

import json

from array_record.python import array_record_module

NAME = "cartoon_tfds/tiny"
SHARD = "cartoon_tfds-{}.array_record-00000-of-00001"


def edit_info(folder, **changes):
    path = folder / "dataset_info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def read_records(shard):
    reader = array_record_module.ArrayRecordReader(str(shard))
    records = reader.read_all()
    reader.close()
    return records


def write_records(shard, records):
    writer = array_record_module.ArrayRecordWriter(str(shard), "group_size:1")
    for record in records:
        writer.write(record)
    writer.close()


def flip_a_bit(shard, part=0.5):
    """Flips one bit of a shard, at a part of its length."""
    data = bytearray(shard.read_bytes())
    data[int(part * len(data))] ^= 4
    shard.write_bytes(data)
