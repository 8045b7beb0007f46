"""Identifies the examples of a split and their order, so that a run resumes with its own data."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pix2pix_flax.data.records import DamagedRecordError
from pix2pix_flax.data.source import described, open_builder, open_source, sampled_records

_SAMPLES = 32
_UNKNOWN = "?"


def fingerprint(name: str, split: str, data_dir: str | None) -> str:
    """Returns a text that changes with the pixels of a split, their order, or their features.

    Two builds of the same examples have the same fingerprint, even if a PNG encoder has written
    other bytes for the same pixels. The text has 16 hexadecimal digits for the dataset's version,
    its features and the lengths of its shards, and 4 digits for the decoded content of each of up
    to 32 examples, evenly spread from the first to the last. A damaged example has a `?`.

    Raises:
      DatasetError: if the dataset, the split or a shard is missing, empty or damaged.
    """
    records = open_source(name, split, data_dir)
    places = np.linspace(0, len(records) - 1, min(_SAMPLES, len(records))).round().astype(int)
    info = open_builder(name, data_dir).info
    facts = {
        "name": info.full_name,
        "features": info.features.to_json(),
        "shards": [count for _, _, count in records.files],
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    return ".".join([digest, *(_content(records, int(place)) for place in places)])


def is_same(one: str, other: str) -> bool:
    """Returns whether two fingerprints identify the same examples.

    An example that was damaged when a fingerprint was made is not compared.
    """
    parts, others = one.split("."), other.split(".")
    return len(parts) == len(others) and all(
        a == b or _UNKNOWN in (a, b) for a, b in zip(parts, others, strict=True)
    )


def fingerprint_of_bytes(name: str, split: str, data_dir: str | None) -> str:
    """Returns the fingerprint of runs until November 2026, 16 hexadecimal digits.

    It changes with any byte of the first and the last record of a shard, and with the total size.
    """
    builder = open_builder(name, data_dir)
    info, found = builder.info, described(builder, name, split)
    facts = {
        "name": info.full_name,
        "features": info.features.to_json(),
        "shards": [int(length) for length in found.shard_lengths],
        "bytes": int(found.num_bytes),
        "records": [hashlib.sha256(record).hexdigest() for record in sampled_records(found)],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def as_tuples(value: Any) -> Any:
    """Returns a value of a configuration with tuples for its lists, at any depth.

    A configuration from JSON has lists, and the text of a list is not that of the tuple that a file
    in configs/ has. Dicts stay dicts.
    """
    if isinstance(value, Mapping):
        return {name: as_tuples(one) for name, one in value.items()}
    return tuple(map(as_tuples, value)) if isinstance(value, tuple | list) else value


def _content(records: Sequence[Mapping[str, Any]], index: int) -> str:
    digest = hashlib.sha256()
    try:
        for part in _parts(records[index]):
            digest.update(part)
    except DamagedRecordError:
        return _UNKNOWN
    return digest.hexdigest()[:4]


def _parts(value: Any) -> Iterator[bytes]:
    """Yields the content of a decoded example: names, types, shapes and values."""
    if isinstance(value, Mapping):
        for name in sorted(value):
            yield name.encode()
            yield from _parts(value[name])
    else:
        array = np.asarray(value)
        yield f"{array.dtype}{array.shape}".encode()
        yield array.tobytes()
