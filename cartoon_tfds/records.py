"""Records whose bytes depend on their content alone."""

import os
from collections.abc import Iterable

import tensorflow_datasets as tfds
from tensorflow_datasets.proto import tf_example_pb2


class RepeatableWriter(tfds.core.ExampleWriter):
    """Writes examples with their features in a fixed order.

    TensorFlow Datasets leaves the order of the features to protobuf, which draws a new one in each
    process: two builds would hold the same examples as different bytes.
    """

    def write(self, path: os.PathLike, examples: Iterable[tuple[object, bytes]]):
        """Writes one file (see the base class).

        Args:
          path: of the file.
          examples: keys and serialized `tf.train.Example`s.
        """
        return super().write(path, ((key, _canonical(record)) for key, record in examples))


def _canonical(record: bytes) -> bytes:
    """Returns the same `tf.train.Example` with its features sorted by name."""
    return tf_example_pb2.Example.FromString(record).SerializeToString(deterministic=True)
