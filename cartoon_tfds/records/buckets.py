"""Sorts records that do not fit into memory in files, as TFDS does, but without TensorFlow."""

import os
import pickle
from collections.abc import Iterator

from tensorflow_datasets.core import shuffle

_IN_MEMORY = 2**27  # bytes of records; TFDS takes 1000 MiB


def sort_without_tensorflow() -> None:
    """Makes TFDS sort the records of a split in our files once they exceed 128 MiB."""
    shuffle._Bucket, shuffle.MAX_MEM_BUFFER_SIZE = _Bucket, _IN_MEMORY


class _Bucket:
    """The records of a range of keys, in a file: for TFDS, whose own class needs TensorFlow.

    The file is open only during a call, for TFDS has a thousand buckets, and a process can often
    open no more files.
    """

    def __init__(self, path: os.PathLike):
        self._path = path
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, key: int, data: bytes) -> None:
        """Appends a record and its key."""
        with open(self._path, "ab") as file:
            pickle.dump((key, data), file)
        self._length += 1

    def read_values(self) -> Iterator[tuple[int, bytes]]:
        """Yields the keys and the records in the order of `add`."""
        if self._length:
            with open(self._path, "rb") as file:
                for _ in range(self._length):
                    yield pickle.load(file)

    def del_file(self) -> None:
        """Removes the file."""
        if self._length:
            os.remove(self._path)
