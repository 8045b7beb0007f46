"""Prepared TFDS datasets as random access sources, without TensorFlow."""

import contextlib
import io
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import refuse_foreign_code
from pix2pix_flax.data.records import DatasetError, Records, whole_records

_log = logging.getLogger(__name__)


class MissingDatasetError(DatasetError):
    """A dataset is not prepared on this machine."""


_READY_MADE = ("sample", "public")  # the configs of cartoon_tfds that need no files of the user


def _how_to_build(name: str, data_dir: str | None, *, again: bool = False) -> str:
    dataset, _, variant = name.partition("/")
    end = (f" --data_dir={data_dir}" if data_dir else "") + (" --overwrite" if again else "")
    if dataset == "cartoon_tfds" and variant not in _READY_MADE:
        kinds = "--photos=DIR, --pairs=DIR or --images=DIR"
        return f"Build it with: python -m cartoon_tfds --name={variant}{end} and {kinds}"
    flags = (f" --config={variant}" if variant else "") + end
    if dataset == "cartoon_tfds":
        return f"Build it with: python -m cartoon_tfds{flags}"
    return f"Build it with: tfds build {dataset} --file_format=array_record{flags}"


def _prepared(dataset: str, root: Path) -> list[str]:
    """Returns the prepared configs of a dataset, `dataset/config`."""
    found = {path.parent.parent.name for path in root.glob(f"{dataset}/*/*.*.*/dataset_info.json")}
    return [f"{dataset}/{config}" for config in sorted(found)]


def _what_to_do(name: str, data_dir: str | None, root: Path) -> str:
    """Returns how to build a missing dataset, or to take a prepared one instead."""
    if (whole := f"cartoon_tfds/{name}") in _prepared("cartoon_tfds", root):
        return f"Its whole name is {whole}."
    names = _prepared(name.partition("/")[0], root)
    advice = "; or name a prepared one, by --config.data.name in a training and else by --dataset: "
    return _how_to_build(name, data_dir) + (advice + " or ".join(names) if names else "")


def open_builder(name: str, data_dir: str | None) -> tfds.core.DatasetBuilder:
    """Opens the newest prepared version of a dataset for reading.

    Args:
      name: `dataset` or `dataset/config`.
      data_dir: folder of the datasets; None for TFDS's default folder.

    Raises:
      MissingDatasetError: if it is missing; the message has the command that builds it.
      DatasetError: if it is damaged, names code of its own, or is stored in a format that only
        TensorFlow reads.
    """
    root = Path(os.path.expanduser(data_dir) if data_dir else tfds.core.constants.DATA_DIR)
    found = [path.parent for path in root.joinpath(name).glob("*/dataset_info.json")]
    # A build that was killed leaves its folder behind, named `incomplete...`.
    versions = [path for path in found if re.fullmatch(r"\d+\.\d+\.\d+", path.name)]
    if not versions:
        raise MissingDatasetError(
            f"No prepared dataset {name!r} (config.data.name) in {root} (config.data.data_dir). "
            + _what_to_do(name, data_dir, root)
        )
    newest = max(versions, key=lambda path: [int(n) for n in path.name.split(".")])
    try:
        refuse_foreign_code(newest)
        builder = tfds.builder_from_directory(newest)
    except UserError as error:
        raise DatasetError(str(error)) from error
    except Exception as error:  # each parser of the description raises its own errors
        raise DatasetError(
            f"The description of dataset {name!r} in {newest} is damaged "
            f"({type(error).__name__}). {_how_to_build(name, data_dir, again=True)}"
        ) from error
    array_record = tfds.core.FileFormat.ARRAY_RECORD
    if array_record not in builder.info.available_file_formats():
        raise DatasetError(
            f"{newest} holds {builder.info.file_format.value}, which needs TensorFlow to be read. "
            "Add ArrayRecord files with: tfds convert_format --out_file_format=array_record "
            f"--dataset_version_dir={newest}"
        )
    builder.info.set_file_format(array_record, override=True, override_if_initialized=True)
    return builder


def _how_to_check(name: str, data_dir: str | None) -> str:
    if name.partition("/")[0] == "cartoon_tfds":
        folder = data_dir or tfds.core.constants.DATA_DIR
        return f"All damage is found by: python -m cartoon_tfds check {folder}."
    return "All damage is found by the flag --verify of a training."


def open_source(name: str, split: str, data_dir: str | None) -> Records:
    """Opens one split as a sequence of decoded examples (images uint8 [H, W, C], RGB).

    `all` is the sum of all splits. A sum such as `validation+test` is read without the parts that
    the dataset does not have.

    Every shard is opened and its records are counted, so that a missing or truncated shard is
    found here and not in the middle of a training.

    Raises:
      DatasetError: if the dataset, the split or a shard is missing, empty or damaged.
    """
    return _open(open_builder(name, data_dir), name, split, data_dir)


def _open(
    builder: tfds.core.DatasetBuilder, name: str, split: str, data_dir: str | None, **options: Any
) -> Records:
    """Opens a split of an open dataset; the options are those of TFDS's `as_data_source`."""
    split = _present(builder.info.splits, split)
    found = described(builder, name, split)
    if not found.num_examples:
        raise DatasetError(f"Split {split!r} of dataset {name!r} is empty.")
    for _ in sampled_records(found):
        pass
    files = [(part.filename, part.skip, part.take) for part in found.file_instructions]
    with contextlib.redirect_stdout(io.StringIO()):  # TFDS prints the name of each file
        source = builder.as_data_source(split, **options)
    return Records(source, files, _how_to_check(name, data_dir))


def count_examples(name: str, split: str, data_dir: str | None) -> int:
    """Returns the number of examples of a split by the dataset's description; reads no shard.

    Raises:
      DatasetError: if the dataset or the split is missing.
    """
    builder = open_builder(name, data_dir)
    return described(builder, name, _present(builder.info.splits, split)).num_examples


def read_ids(
    name: str, split: str, data_dir: str | None, places: Iterable[int], max_damaged: int = 0
) -> dict[int, str]:
    """Returns the ids of examples by their places in the split, without decoding their images.

    Examples of one photograph share an id. A dataset without the feature `id` gives each place in
    the split as an id of its own. Damaged records that may be passed over are left out.

    Args:
      name: `dataset` or `dataset/config`.
      split: name of the split.
      data_dir: folder of the datasets; None for TFDS's default folder.
      places: indices in the split.
      max_damaged: number of records that may be damaged.

    Raises:
      DatasetError: if the dataset, the split or a shard is missing, empty or damaged.
      DamagedRecordError: if more than `max_damaged` of these records cannot be read.
    """
    builder = open_builder(name, data_dir)
    features = builder.info.features
    if "id" not in features:
        return {place: str(place) for place in places}
    images = [key for key, kind in features.items() if isinstance(kind, tfds.features.Image)]
    encoded = {key: tfds.decode.SkipDecoding() for key in images}
    records = _open(builder, name, split, data_dir, decoders=encoded)
    found = {place: record["id"] for place, record in whole_records(records, places, max_damaged)}
    return {
        place: value.decode() if isinstance(value, bytes) else str(value)
        for place, value in found.items()
    }


def share_examples(name: str, splits: tuple[str, str], data_dir: str | None) -> bool:
    """Returns whether two splits of a dataset have an example in common.

    Raises:
      DatasetError: if the dataset or a split is missing.
    """
    builder = open_builder(name, data_dir)
    first, second = (
        [
            (part.filename, part.skip, part.skip + part.take)
            for part in described(builder, name, split).file_instructions
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


def has_part_of(split: str, name: str) -> bool:
    """Returns whether a split such as `train[9:]+test` or `all` names another one, whole or cut."""
    names = {part.partition("[")[0].strip() for part in split.split("+")}
    return not names.isdisjoint((name, "all"))


def described(builder: tfds.core.DatasetBuilder, name: str, split: str) -> tfds.core.SplitInfo:
    """Returns the description of a split; raises a DatasetError if there is no such split."""
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


def sampled_records(split: tfds.core.SplitInfo) -> Iterator[bytes]:
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
