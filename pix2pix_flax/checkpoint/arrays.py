"""The arrays of a step directory, read by Orbax."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import orbax.checkpoint as ocp

from cartoon_tfds.errors import one_line
from pix2pix_flax.checkpoint.integrity import CheckpointError, UnreadableError, differences
from pix2pix_flax.typing import PyTree


def restore_arrays(path: Path, target: PyTree, *, partial: bool = False) -> PyTree:
    """Returns the arrays at `path` in the shape of `target`, whose leaves are (abstract) arrays.

    Raises:
      CheckpointError: naming the first arrays that are missing or differ in shape or dtype.
    """
    problems = differences(described(path), target, partial)
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise CheckpointError(
            f"{path} was saved from another network: {'; '.join(problems[:5])}{more}."
        )
    args = ocp.args.PyTreeRestore(
        target,
        restore_args=ocp.checkpoint_utils.construct_restore_args(target),
        partial_restore=partial,
    )
    with _reader(path) as reader:
        return reader.restore(path, args=ocp.args.Composite(state=args)).state


def described(path: Path) -> PyTree:
    """Returns the tree of array descriptions (shape, dtype) of a step directory."""
    with _reader(path) as reader:
        return reader.metadata(path).item_metadata.state.tree


@contextlib.contextmanager
def _reader(path: Path) -> Iterator[ocp.Checkpointer]:
    """Gives the reader of a step directory; turns its errors into one line that names `path`."""
    json_items = {name: ocp.JsonCheckpointHandler() for name in ("run", "metrics")}
    handler = ocp.CompositeCheckpointHandler(state=ocp.PyTreeCheckpointHandler(), **json_items)
    try:
        with ocp.Checkpointer(handler) as reader:
            yield reader
    except Exception as error:  # Orbax and TensorStore raise bare exceptions
        raise UnreadableError(f"{path} cannot be read: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Returns the message of an error on one line, without the description of an array's store."""
    return one_line(error).partition(" [tensorstore_spec=")[0]
