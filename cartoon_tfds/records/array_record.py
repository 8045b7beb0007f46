"""Writes record files whose bytes depend only on their content, and reads them."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from array_record.python import array_record_module
from tensorflow_datasets.proto import tf_example_pb2

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import refuse_foreign_code

_PNG = b"\x89PNG"


class RecordError(UserError):
    """Raised if a record cannot be read; the one-line message names the record or its folder."""


class RepeatableWriter(tfds.core.ExampleWriter):
    """Writes examples with their features in a fixed order.

    TensorFlow Datasets leaves this order to protobuf, which chooses a new order in each process, so
    that two builds of the same examples would have different bytes.
    """

    def write(self, path: os.PathLike, examples: Iterable[tuple[object, bytes]]):
        """Writes one file (see the base class).

        Args:
          path: path of the file to write.
          examples: pairs of a key and a serialized `tf.train.Example`.
        """
        canonical = ((key, _canonical(record)) for key, record in examples)
        if self.file_format is not tfds.core.FileFormat.ARRAY_RECORD:
            return super().write(path, canonical)
        # Uncompressed, unlike in TFDS: nearly all bytes belong to PNG files, which are compressed.
        writer = array_record_module.ArrayRecordWriter(os.fspath(path), "group_size:1,uncompressed")
        for _, record in canonical:
            writer.write(record)
        writer.close()
        return None


def iter_records(folder: Path) -> Iterator[tuple[str, int, bytes]]:
    """Yields (split, index in the split, bytes) for each record of a prepared dataset.

    Args:
      folder: folder of the dataset, DATA_DIR/cartoon_tfds/CONFIG/VERSION, with ArrayRecord files.

    Raises:
      RecordError: if a file is damaged; the message names the file or the folder.
    """
    try:
        refuse_foreign_code(folder)
        splits = tfds.builder_from_directory(folder).info.splits
    except UserError as error:
        raise RecordError(str(error)) from error
    except Exception as error:  # each parser has its own errors for a damaged file
        raise RecordError(f"{folder} cannot be opened ({type(error).__name__})") from error
    for name, split in splits.items():
        index = 0
        for shard in split.filenames:
            for record in _iter_shard(folder / shard, name, index):
                yield name, index, record
                index += 1


def parse_record(record: bytes) -> dict[str, Any]:
    """Returns the features of a record by name: images as PNG bytes, texts as str.

    Args:
      record: a serialized `tf.train.Example`.
    """
    features = tf_example_pb2.Example.FromString(record).features.feature
    return {name: _parse_feature(features[name]) for name in sorted(features)}


def _parse_feature(feature: Any) -> Any:
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value)
    if kind == "bytes_list" and not values[0].startswith(_PNG):
        values = [value.decode() for value in values]
    return values[0] if len(values) == 1 else values


def _iter_shard(path: Path, split: str, first: int) -> Iterator[bytes]:
    """Yields the records of a file, whose first record has the index `first` in the split."""
    index = first
    try:
        reader = array_record_module.ArrayRecordReader(str(path))
        for number in range(reader.num_records()):
            yield reader.read([number])[0]
            index += 1
        reader.close()  # raises an error if the file is damaged
    except (IndexError, RuntimeError, ValueError) as error:
        raise RecordError(f"{split} example {index} cannot be read from {path.name}") from error


def _canonical(record: bytes) -> bytes:
    """Returns the same `tf.train.Example` with its features sorted by name."""
    return tf_example_pb2.Example.FromString(record).SerializeToString(deterministic=True)
