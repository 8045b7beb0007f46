"""State dicts of PyTorch, read without PyTorch.

`torch.save` writes a zip file: a pickle that says how tensors are made of storages, and those
as raw bytes. A pickle may run code when it is read, so this one is read by an unpickler that knows
the names which tensors are made with and nothing else, and NumPy reads the storages.
"""

import io
import math
import pickle
import pickletools
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors.numpy

_LEGACY = bytes.fromhex(
    "80028a0a6cfc9c46f9206aa850192e"
)  # a pickle of a number, of all these files
_LONGEST_LINE = 200


class PyTorchFileError(ValueError):
    """A file of PyTorch that cannot be used; its message is one line that names it."""


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Returns the tensors of a state dict by their names.

    Args:
      path: what `torch.save` (since PyTorch 1.6) wrote, or a safetensors file with these names.

    Raises:
      PyTorchFileError: it is damaged, holds anything else, or asks for anything but tensors.
      OSError: there is no such file.
    """
    path = Path(path).expanduser()
    read = _read_safetensors if path.suffix == ".safetensors" else _read_zip
    with open(path, "rb") as file:
        try:
            return _check_names(read(file))
        except Exception as error:  # Damaged bytes raise nearly any type.
            raise PyTorchFileError(
                f"{path} cannot be read as a state dict: {_line(error)}"
            ) from error


def _read_safetensors(file: BinaryIO) -> dict[str, np.ndarray]:
    return safetensors.numpy.load(file.read())


def _read_zip(file: BinaryIO) -> Any:
    if file.read(len(_LEGACY)) == _LEGACY:
        raise ValueError(
            "PyTorch wrote it in its format from before 1.6; there, save it again with "
            "torch.save(torch.load(FILE, weights_only=True), FILE)"
        )
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("it is a zip file, but torch.save did not write it")
        _check_sizes(archive.infolist(), file.seek(0, io.SEEK_END))
        return _read_archive(archive, pickles[0].removesuffix("data.pkl"))


def _check_sizes(records: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Raises a ValueError where reading takes more memory than the file has bytes."""
    if sum(record.file_size for record in records) > size:
        raise ValueError("its records hold more than it does, as those of torch.save never do")


def _read_archive(archive: zipfile.ZipFile, folder: str) -> Any:
    order = f"{folder}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise ValueError("its numbers are not little-endian")
    data = archive.read(f"{folder}data.pkl")
    _check_memo(data)
    return _TensorUnpickler(data, lambda key: archive.read(f"{folder}data/{key}")).load()


def _check_memo(data: bytes) -> None:
    """Raises a ValueError for indices that an unpickler fills the memory with zeros to reach."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > len(data):
            raise ValueError("its pickle numbers more objects than it has")


class _Names(dict):
    """What an OrderedDict is read as: without the attributes that a pickle may set."""

    def __setstate__(self, state: Any) -> None:
        """Leaves out the versions of the layers."""


class _RebuildTensor:
    """Makes a tensor of a storage, as `torch._utils._rebuild_tensor_v2` does."""

    __slots__ = ()  # a pickle may set attributes of all that it is given

    def __call__(
        self, storage: np.ndarray, offset: int, size: Sequence, stride: Sequence, *rest: Any
    ) -> np.ndarray:
        """Returns a view of `storage`; raises a ValueError for one that reaches beyond it."""
        del rest  # what gradients need
        last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
        # A step of 0 could make any size of a single number.
        if min(offset, *size, *stride, 0) < 0 or max(last + 1, math.prod(size)) > storage.size:
            raise ValueError("a tensor is larger than its storage")
        steps = [step * storage.itemsize for step in stride]
        return np.ndarray(size, storage.dtype, storage.data, offset * storage.itemsize, steps)


class _TensorUnpickler(pickle.Unpickler):
    """Resolves the names that tensors are made with; every other name is refused."""

    _known = {  # noqa: RUF012 - a private constant table
        ("collections", "OrderedDict"): _Names,
        ("torch._utils", "_rebuild_tensor_v2"): _RebuildTensor(),
        ("torch", "HalfStorage"): "<f2",
        ("torch", "FloatStorage"): "<f4",
        ("torch", "DoubleStorage"): "<f8",
        ("torch", "LongStorage"): "<i8",
    }

    def __init__(self, data: bytes, read: Callable[[str], bytes]):
        super().__init__(io.BytesIO(data))
        self._read = read
        self._storages: dict[str, np.ndarray] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, not a tensor")
        return self._known[module, name]

    def persistent_load(self, pid: Any) -> np.ndarray:
        _, dtype, key, _, count = pid
        if key not in self._storages:
            self._storages[key] = np.frombuffer(self._read(key), dtype)
        if self._storages[key].size != count:
            raise pickle.UnpicklingError(f"storage {key} has not as many numbers as it should")
        return self._storages[key]


def _check_names(tree: Any) -> dict[str, np.ndarray]:
    named = isinstance(tree, dict) and all(
        isinstance(name, str) and isinstance(array, np.ndarray) for name, array in tree.items()
    )
    if not named:
        raise ValueError("it holds other things than tensors by their names")
    return dict(tree)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST_LINE] or type(error).__name__
