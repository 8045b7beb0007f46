"""Reads state dicts of PyTorch without PyTorch.

`torch.save` writes a zip file: a pickle that describes how tensors are made from storages, and the
storages as raw bytes. Before PyTorch 1.6 it wrote five pickles and the storages in a row. A pickle
may run code when it is read. So the unpickler here knows only the names that make tensors, and
NumPy reads the storages.
"""

import io
import math
import pickletools
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors.numpy

from cartoon_tfds.errors import UserError, one_line
from pix2pix_flax.models.frozen.safe_pickle import SafeUnpickler

_LEGACY = bytes.fromhex(
    "80028a0a6cfc9c46f9206aa850192e"
)  # magic number of the old format: these files begin with a pickle of it
_WRAPPERS = ("params_ema", "params", "state_dict")  # dicts of these names hold the tensors
_LONGEST_REASON = 200  # characters; a damaged file may hold a name of any length


class PyTorchFileError(UserError):
    """A file of PyTorch cannot be used; the message is one line that names the file."""


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Returns the tensors of a state dict by name.

    Args:
      path: a file of `torch.save`, or a safetensors file with the same names. If its dict holds the
        tensors under a name in `_WRAPPERS`, they are taken from there.

    Raises:
      PyTorchFileError: the file is damaged, holds no state dict, or its pickle asks for anything
        but tensors.
      OSError: the file does not exist.
    """
    path = Path(path).expanduser()
    read = _read_safetensors if path.suffix == ".safetensors" else _read_saved
    with open(path, "rb") as file:
        try:
            return _check_names(read(file))
        except Exception as error:  # Damaged bytes raise nearly any type.
            reason = one_line(error)[:_LONGEST_REASON]
            raise PyTorchFileError(f"{path} cannot be read as a state dict: {reason}") from error


def _read_safetensors(file: BinaryIO) -> dict[str, np.ndarray]:
    return safetensors.numpy.load(file.read())


def _read_saved(file: BinaryIO) -> Any:
    if file.read(len(_LEGACY)) == _LEGACY:
        return _read_legacy(file)
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("it is a zip file, but torch.save did not write it")
        _check_sizes(archive.infolist(), file.seek(0, io.SEEK_END))
        return _read_archive(archive, pickles[0].removesuffix("data.pkl"))


def _check_sizes(records: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Raises a ValueError if reading would take more memory than the file has bytes."""
    if sum(record.file_size for record in records) > size:
        raise ValueError("its records are larger than the file, so torch.save did not write it")


def _read_archive(archive: zipfile.ZipFile, folder: str) -> Any:
    order = f"{folder}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise ValueError("its numbers are not little-endian")
    data = archive.read(f"{folder}data.pkl")

    def storage(key: str, dtype: str, count: int) -> np.ndarray:
        found = np.frombuffer(archive.read(f"{folder}data/{key}"), dtype)
        if found.size != count:
            raise ValueError(f"storage {key} has not as many numbers as its tensor")
        return found

    return _TensorUnpickler(data, storage).load()


def _read_legacy(file: BinaryIO) -> Any:
    file.seek(0)
    data = file.read()
    stream, storages, room = io.BytesIO(data), {}, len(data)
    for _ in range(3):  # the magic number, the version of the format, and the sizes of C's types
        _next_pickle(stream)

    def storage(key: str, dtype: str, count: int) -> np.ndarray:
        nonlocal room
        room -= count * np.dtype(dtype).itemsize
        if room < 0:
            raise ValueError("its tensors are larger than the file")
        storages[key] = np.empty(count, dtype)
        return storages[key]

    tree = _TensorUnpickler(_next_pickle(stream), storage).load()
    for key in SafeUnpickler(_next_pickle(stream), {}, "a list of storages").load():
        numbers = storages[key]
        if int.from_bytes(stream.read(8), "little") != numbers.size:
            raise ValueError(f"storage {key} has not as many numbers as its tensor")
        numbers[:] = np.frombuffer(stream.read(numbers.nbytes), numbers.dtype)
    return tree


def _next_pickle(stream: BinaryIO) -> bytes:
    """Returns the bytes of the pickle that begins here, without running it."""
    start = stream.tell()
    for _ in pickletools.genops(stream):
        pass
    end = stream.tell()
    stream.seek(start)
    return stream.read(end - start)


class _Names(dict):
    """Stands in for an OrderedDict, without the attributes that a pickle may set."""

    def __setstate__(self, state: Any) -> None:
        """Ignores the state, which holds PyTorch's versions of the layers."""


class _RebuildTensor:
    """Makes a tensor from a storage, as `torch._utils._rebuild_tensor_v2` does."""

    __slots__ = ()  # no attributes, because a pickle could set them

    def __call__(
        self, storage: np.ndarray, offset: int, size: Sequence, stride: Sequence, *rest: Any
    ) -> np.ndarray:
        """Returns a view of `storage`; raises a ValueError if the view reaches beyond it."""
        del rest  # used for gradients
        last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
        # With a step of 0, one number could make a tensor of any size.
        if min(offset, *size, *stride, 0) < 0 or max(last + 1, math.prod(size)) > storage.size:
            raise ValueError("a tensor is larger than its storage")
        steps = [step * storage.itemsize for step in stride]
        return np.ndarray(size, storage.dtype, storage.data, offset * storage.itemsize, steps)


_TENSOR_NAMES = {
    ("collections", "OrderedDict"): _Names,
    ("torch._utils", "_rebuild_tensor"): _RebuildTensor(),
    ("torch._utils", "_rebuild_tensor_v2"): _RebuildTensor(),
    ("torch", "HalfStorage"): "<f2",
    ("torch", "FloatStorage"): "<f4",
    ("torch", "DoubleStorage"): "<f8",
    ("torch", "LongStorage"): "<i8",
}


class _TensorUnpickler(SafeUnpickler):
    """Makes tensors from a pickle, and from storages that `storage(key, dtype, count)` returns."""

    def __init__(self, data: bytes, storage: Callable[[str, str, int], np.ndarray]):
        super().__init__(data, _TENSOR_NAMES, "a tensor")
        self._storage = storage
        self._storages: dict[str, np.ndarray] = {}

    def persistent_load(self, pid: Any) -> np.ndarray:
        _, dtype, key, _, count, *_ = pid
        if key not in self._storages:
            self._storages[key] = self._storage(key, dtype, count)
        return self._storages[key]


def _check_names(tree: Any) -> dict[str, np.ndarray]:
    for name in _WRAPPERS:
        if isinstance(tree, dict) and isinstance(tree.get(name), dict):
            tree = tree[name]
    named = isinstance(tree, dict) and all(
        isinstance(name, str) and isinstance(array, np.ndarray) for name, array in tree.items()
    )
    if not named:
        raise ValueError("it is not a dict of tensors by name")
    return dict(tree)
