"""Reads state dicts of PyTorch without PyTorch.

`torch.save` writes a zip file: a pickle that describes how tensors are made from storages, and the
storages as raw bytes. A pickle may run code when it is read. So the unpickler here knows only the
names that make tensors, and NumPy reads the storages.
"""

import io
import math
import pickle
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
_LONGEST_REASON = 200  # characters; a damaged file may hold a name of any length


class PyTorchFileError(UserError):
    """A file of PyTorch cannot be used; the message is one line that names the file."""


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Returns the tensors of a state dict by name.

    Args:
      path: a file of `torch.save` (since PyTorch 1.6), or a safetensors file with the same names.

    Raises:
      PyTorchFileError: the file is damaged, holds no state dict, or its pickle asks for anything
        but tensors.
      OSError: the file does not exist.
    """
    path = Path(path).expanduser()
    read = _read_safetensors if path.suffix == ".safetensors" else _read_zip
    with open(path, "rb") as file:
        try:
            return _check_names(read(file))
        except Exception as error:  # Damaged bytes raise nearly any type.
            reason = one_line(error)[:_LONGEST_REASON]
            raise PyTorchFileError(f"{path} cannot be read as a state dict: {reason}") from error


def _read_safetensors(file: BinaryIO) -> dict[str, np.ndarray]:
    return safetensors.numpy.load(file.read())


def _read_zip(file: BinaryIO) -> Any:
    if file.read(len(_LEGACY)) == _LEGACY:
        raise ValueError(
            "it is in PyTorch's format from before 1.6; in PyTorch, save it again with "
            "torch.save(torch.load(FILE, weights_only=True), FILE)"
        )
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
    return _TensorUnpickler(data, lambda key: archive.read(f"{folder}data/{key}")).load()


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
    ("torch._utils", "_rebuild_tensor_v2"): _RebuildTensor(),
    ("torch", "HalfStorage"): "<f2",
    ("torch", "FloatStorage"): "<f4",
    ("torch", "DoubleStorage"): "<f8",
    ("torch", "LongStorage"): "<i8",
}


class _TensorUnpickler(SafeUnpickler):
    """Makes tensors from a pickle, and from the bytes of storages that `read(key)` returns."""

    def __init__(self, data: bytes, read: Callable[[str], bytes]):
        super().__init__(data, _TENSOR_NAMES, "a tensor")
        self._read = read
        self._storages: dict[str, np.ndarray] = {}

    def persistent_load(self, pid: Any) -> np.ndarray:
        _, dtype, key, _, count = pid
        if key not in self._storages:
            self._storages[key] = np.frombuffer(self._read(key), dtype)
        if self._storages[key].size != count:
            raise pickle.UnpicklingError(f"storage {key} has not as many numbers as its tensor")
        return self._storages[key]


def _check_names(tree: Any) -> dict[str, np.ndarray]:
    named = isinstance(tree, dict) and all(
        isinstance(name, str) and isinstance(array, np.ndarray) for name, array in tree.items()
    )
    if not named:
        raise ValueError("it is not a dict of tensors by name")
    return dict(tree)
