"""Prepared TFDS datasets as random access sources, without TensorFlow."""

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds


class DatasetError(ValueError):
    """A dataset that is missing, damaged or not what the configuration says."""


def _how_to_build(name: str, data_dir: str | None) -> str:
    dataset, _, variant = name.partition("/")
    flags = (f" --config={variant}" if variant else "") + (
        f" --data_dir={data_dir}" if data_dir else ""
    )
    if dataset == "cartoon_tfds":
        return f"Build it with: python -m cartoon_tfds{flags}"
    return f"Build it with: tfds build {dataset} --file_format=array_record{flags}"


def open_builder(name: str, data_dir: str | None) -> tfds.core.DatasetBuilder:
    """Opens the newest prepared version of a dataset for reading.

    Args:
      name: `dataset` or `dataset/config`.
      data_dir: where datasets lie; None for TFDS's own place.

    Raises:
      DatasetError: where it is not there (with the command that builds it), or has been written
        in a format that needs TensorFlow to be read.
    """
    root = Path(os.path.expanduser(data_dir) if data_dir else tfds.core.constants.DATA_DIR)
    versions = [path.parent for path in root.joinpath(name).glob("*/dataset_info.json")]
    if not versions:
        raise DatasetError(
            f"No prepared dataset {name!r} (config.data.name) in {root} (config.data.data_dir). "
            + _how_to_build(name, data_dir)
        )
    newest = max(versions, key=lambda path: [int(n) for n in path.name.split(".")])
    try:
        builder = tfds.builder_from_directory(newest)
    except Exception as error:  # a damaged description fails in as many ways as it has parsers
        raise DatasetError(
            f"The description of dataset {name!r} in {newest} is damaged "
            f"({type(error).__name__}). {_how_to_build(name, data_dir)} --overwrite"
        ) from error
    if builder.info.file_format is not tfds.core.FileFormat.ARRAY_RECORD:
        raise DatasetError(
            f"{newest} holds {builder.info.file_format.value}, which needs TensorFlow to be read. "
            "Convert it with: tfds convert_format --out_file_format=array_record "
            f"--dataset_version_dir={newest} --out_dir=DIR"
        )
    return builder


def open_source(name: str, split: str, data_dir: str | None) -> Sequence[dict[str, Any]]:
    """Opens one split as a sequence of decoded examples (images uint8 [H, W, C], RGB).

    Every shard is opened and its record counted, so that a missing or cut one is found here and
    not in the middle of a training.

    Raises:
      DatasetError: naming what is missing or damaged.
    """
    builder = open_builder(name, data_dir)
    try:
        # TFDS prints each file that it looks for.
        with contextlib.redirect_stdout(io.StringIO()):
            source = builder.as_data_source(split)
    except ValueError as error:
        known = ", ".join(builder.info.splits)
        raise DatasetError(f"Dataset {name!r} has no split {split!r}; it has: {known}.") from error
    _check_shards(builder, split)
    if not len(source):
        raise DatasetError(f"Split {split!r} of dataset {name!r} is empty.")
    return source


def _check_shards(builder: tfds.core.DatasetBuilder, split: str) -> None:
    from array_record.python import array_record_module  # imported here: slow, and only for this

    for instruction in builder.info.splits[split].file_instructions:
        path = instruction.filename
        try:
            reader = array_record_module.ArrayRecordReader(path)
            reader.read([reader.num_records() - 1])
            reader.close()
        except (IndexError, RuntimeError, ValueError) as error:
            raise DatasetError(
                f"Shard {path} is missing or damaged; build the dataset again with --overwrite."
            ) from error


def fingerprint(name: str, split: str, data_dir: str | None) -> str:
    """Returns 16 hexadecimal digits that change when the records of a split or their order do.

    Taken over the dataset's version, its features and the lengths and sizes of its shards.
    """
    info = open_builder(name, data_dir).info
    described = info.splits[split]
    facts = {
        "name": info.full_name,
        "features": info.features.to_json(),
        "shards": [int(length) for length in described.shard_lengths],
        "bytes": int(described.num_bytes),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
