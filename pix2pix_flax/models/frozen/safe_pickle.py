"""Pickles of arrays, read without running the code that a pickle may hold."""

import io
import pickle
import pickletools
from collections.abc import Mapping
from typing import Any


class SafeUnpickler(pickle.Unpickler):
    """Loads only objects whose names are in a table; every other name is refused.

    Args:
      data: bytes of the pickle.
      known: the objects that the pickle may name, by module and name. None of them may run code
        that the pickle chooses.
      content: expected content of the pickle, for error messages, e.g. "a tensor".

    Raises:
      ValueError: if the pickle has an index that is larger than the pickle.
      pickle.UnpicklingError: by `load`, for a name that is not in the table.
    """

    def __init__(self, data: bytes, known: Mapping[tuple[str, str], Any], content: str):
        _check_memo(data)
        super().__init__(io.BytesIO(data))
        self._known, self._content = known, content

    def find_class(self, module: str, name: str) -> Any:
        """Returns the object of a name in the table."""
        if (module, name) not in self._known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, not {self._content}")
        return self._known[module, name]


def _check_memo(data: bytes) -> None:
    """Raises a ValueError for indices so large that an unpickler would fill the memory."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > len(data):
            raise ValueError("its pickle has an index larger than the pickle itself")
