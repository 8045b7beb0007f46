"""Prepared TFDS datasets as random access sources, without TensorFlow."""

import contextlib
import hashlib
import io
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from cartoon_tfds.errors import UserError

_log = logging.getLogger(__name__)


class DatasetError(UserError):
    """A dataset is missing, is damaged or does not fit the configuration."""


_READY_MADE = ("sample", "public")  # the configs of cartoon_tfds that need no files of the user


def _how_to_build(name: str, data_dir: str | None) -> str:
    dataset, _, variant = name.partition("/")
    folder = f" --data_dir={data_dir}" if data_dir else ""
    if dataset == "cartoon_tfds" and variant not in _READY_MADE:
        kinds = "--photos=DIR, --pairs=DIR or --images=DIR"
        return f"Build it with: python -m cartoon_tfds --name={variant}{folder} and {kinds}"
    flags = (f" --config={variant}" if variant else "") + folder
    if dataset == "cartoon_tfds":
        return f"Build it with: python -m cartoon_tfds{flags}"
    return f"Build it with: tfds build {dataset} --file_format=array_record{flags}"


def _prepared_instead(name: str, root: Path) -> str:
    """Returns the flag that takes another prepared config of a dataset; '' if there is none."""
    dataset = name.partition("/")[0]
    found = {path.parent.parent.name for path in root.glob(f"{dataset}/*/*.*.*/dataset_info.json")}
    names = [f"{dataset}/{config}" for config in sorted(found)]
    return f"; or take a prepared one: --config.data.name={' or '.join(names)}" if names else ""


def open_builder(name: str, data_dir: str | None) -> tfds.core.DatasetBuilder:
    """Opens the newest prepared version of a dataset for reading.

    Args:
      name: `dataset` or `dataset/config`.
      data_dir: folder of the datasets; None for TFDS's default folder.

    Raises:
      DatasetError: if it is missing (the message has the command that builds it), is damaged, or
        is stored in a format that only TensorFlow reads.
    """
    root = Path(os.path.expanduser(data_dir) if data_dir else tfds.core.constants.DATA_DIR)
    found = [path.parent for path in root.joinpath(name).glob("*/dataset_info.json")]
    # A build that was killed leaves its folder behind, named `incomplete...`.
    versions = [path for path in found if re.fullmatch(r"\d+\.\d+\.\d+", path.name)]
    if not versions:
        raise DatasetError(
            f"No prepared dataset {name!r} (config.data.name) in {root} (config.data.data_dir). "
            + _how_to_build(name, data_dir)
            + _prepared_instead(name, root)
        )
    newest = max(versions, key=lambda path: [int(n) for n in path.name.split(".")])
    try:
        builder = tfds.builder_from_directory(newest)
    except Exception as error:  # each parser of the description raises its own errors
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

    `all` is the sum of all splits. A sum such as `validation+test` is read without the parts that
    the dataset does not have.

    Every shard is opened and its records are counted, so that a missing or truncated shard is
    found here and not in the middle of a training.

    Raises:
      DatasetError: if the dataset, the split or a shard is missing, empty or damaged.
    """
    builder = open_builder(name, data_dir)
    split = _present(builder.info.splits, split)
    described = _described(builder, name, split)
    if not described.num_examples:
        raise DatasetError(f"Split {split!r} of dataset {name!r} is empty.")
    for _ in _sampled_records(described):
        pass
    with contextlib.redirect_stdout(io.StringIO()):  # TFDS prints the name of each file
        return builder.as_data_source(split)


def share_examples(name: str, splits: tuple[str, str], data_dir: str | None) -> bool:
    """Returns whether two splits of a dataset have an example in common.

    Raises:
      DatasetError: if the dataset or a split is missing.
    """
    builder = open_builder(name, data_dir)
    first, second = (
        [
            (part.filename, part.skip, part.skip + part.take)
            for part in _described(builder, name, split).file_instructions
        ]
        for split in splits
    )
    return any(
        file == other and start < other_stop and other_start < stop
        for file, start, stop in first
        for other, other_start, other_stop in second
    )


def _present(splits: Mapping[str, Any], split: str) -> str:
    """Returns a split of a dataset: all of its splits for `all`, and a sum without absent parts."""
    if split == "all":
        return "+".join(splits)
    parts = [part.strip() for part in split.split("+")]
    found = [part for part in parts if part.partition("[")[0] in splits]
    if not found or len(found) == len(parts):
        return split
    absent = ", ".join(part for part in parts if part not in found)
    _log.warning("The dataset has no split %s; %s is read.", absent, "+".join(found))
    return "+".join(found)


def _described(builder: tfds.core.DatasetBuilder, name: str, split: str) -> tfds.core.SplitInfo:
    try:
        return builder.info.splits[split]
    except (KeyError, ValueError) as error:
        known = ", ".join(builder.info.splits)
        raise DatasetError(
            f"Dataset {name!r} has no split {split!r}; it has: {known}. "
            + _how_to_split({name: part.num_examples for name, part in builder.info.splits.items()})
        ) from error


def _how_to_split(sizes: Mapping[str, int]) -> str:
    """Returns the flags that read examples of a dataset whose splits have these sizes."""
    largest = max(sizes, key=sizes.__getitem__)
    if "validation" in sizes or sizes[largest] < 2:
        return "Name one of them: --config.data.validation_split in a training, else --split."
    count = min(max(2, sizes[largest] // 10), sizes[largest] // 2)
    held_back, rest = f"'{largest}[:{count}]'", f"'{largest}[{count}:]'"
    return (
        f"Hold examples back: in a training --config.data.validation_split={held_back} "
        f"--config.data.train_split={rest}, and later --split={held_back}."
    )


def _sampled_records(split: tfds.core.SplitInfo) -> Iterator[bytes]:
    """Yields the first and the last record of each shard of a split, undecoded.

    Raises:
      DatasetError: if a shard, which the message names, is missing, damaged or not as long as
        described.
    """
    from array_record.python import array_record_module  # imported here because it is slow

    for instruction in split.file_instructions:
        try:
            reader = array_record_module.ArrayRecordReader(instruction.filename)
            count = reader.num_records()
            records = reader.read([0, count - 1]) if count else []
            reader.close()  # raises any error that the reader met in the file
        except (IndexError, RuntimeError, ValueError) as error:
            raise _damaged(instruction.filename) from error
        if count != instruction.examples_in_shard:
            raise _damaged(instruction.filename)
        yield from records


def _damaged(shard: str) -> DatasetError:
    return DatasetError(
        f"Shard {shard} is missing or damaged; build the dataset again with --overwrite."
    )


def fingerprint(name: str, split: str, data_dir: str | None) -> str:
    """Returns 16 hexadecimal digits that change with the records of a split or their order.

    They are a hash of the dataset's version, its features, the lengths and the total size of its
    shards, and the first and last record of each shard.
    """
    info = open_builder(name, data_dir).info
    described = info.splits[split]
    facts = {
        "name": info.full_name,
        "features": info.features.to_json(),
        "shards": [int(length) for length in described.shard_lengths],
        "bytes": int(described.num_bytes),
        "records": [hashlib.sha256(record).hexdigest() for record in _sampled_records(described)],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
