"""The examples of a training split on their way to the canvas, each decoded once if they are kept.

All that is equal in each epoch is done here: decoding, the colours of label maps, resizing. What
remains for each batch is the cut of a window, at a position that is drawn anew.
"""

import hashlib
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cartoon_tfds.files import atomic_write
from pix2pix_flax.cache import cache_folder, make_folder
from pix2pix_flax.data.canvas import Example, fit
from pix2pix_flax.data.fingerprint import as_tuples, fingerprint
from pix2pix_flax.data.readers import label_names, make_reader
from pix2pix_flax.data.records import DatasetError, WithSubstitutes

PLACES = ("none", "host", "disk", "device")
"""Values of `config.data.cache`; `device` is the trainer's own, see `train/batches.py`."""

_LOCKS = 64  # of examples that are being made; more than the threads of a pipeline

_log = logging.getLogger(__name__)


class Fitted(Sequence):
    """Examples from which the windows of batches are cut: `input` and `target`, uint8 [H, W, C].

    Args:
      records: decoded records by index, in which others stand for damaged ones.
      config: the whole configuration; `data` and `sizes.canvas` are used.

    Raises:
      DatasetError: by each access to an example that has another size than the first one, if
        `data.canvas_mode` needs one size.
    """

    def __init__(self, records: WithSubstitutes, config):
        self._records, self._mode = records, config.data.canvas_mode
        self._size, self._labels = config.sizes.canvas, label_names(config.data)
        self._reader = make_reader(config.data)
        self._wanted = self._fit(records[0])["input"].shape[:2]

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Example:
        record = self._records[index]
        example = self._fit(record)
        size = example["input"].shape[:2]
        if self._mode != "crop" and size != self._wanted:
            name = record.get("id", "another one")
            raise DatasetError(
                f"Images differ in size: the first is {self._wanted[1]}x{self._wanted[0]}, but "
                f"{name.decode() if isinstance(name, bytes) else name} is {size[1]}x{size[0]}, and "
                f"config.data.canvas_mode {self._mode} needs one size; set it to crop or resize "
                "for images of any size."
            )
        return example

    def is_substitute(self, index: int) -> bool:
        """Returns whether the example that was read at this index is of another record."""
        return index in self._records.damaged

    def _fit(self, record: dict[str, Any]) -> Example:
        example = _different(self._reader(record))
        fitted = fit(example, self._size, self._mode, self._labels)
        return {"input": fitted["input"], "target": fitted.get("target", fitted["input"])}


class Kept(Sequence):
    """Examples of which those that were read are kept, up to a number of bytes.

    A folder takes no substitute of a damaged record: it may be whole in the next training.

    Args:
      examples: the examples.
      most_bytes: of the examples that are kept; the others are made anew each time.
      folder: where they are kept, as uncompressed files that other trainings share, and of which
        only the pages of a window are read; None: in the memory of this process.
    """

    def __init__(self, examples: Fitted, most_bytes: float, folder: Path | None = None):
        self._examples, self._left, self._folder = examples, most_bytes, folder
        self._memory: dict[int, Example] = {}
        self._lock = threading.Lock()
        self._being_made = [threading.Lock() for _ in range(_LOCKS)]
        if folder:
            self._left -= sum(file.stat().st_size for file in folder.glob("*.npy"))

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Example:
        found = self._find(index)
        return self._make(index) if found is None else found

    def _make(self, index: int) -> Example:
        """Returns an example that is not kept yet; of threads that need one, the first makes it."""
        with self._being_made[index % _LOCKS]:
            found = self._find(index)
            if found is None:
                found = self._examples[index]
                if self._has_room(found):
                    self._keep(index, found)
            return found

    def _find(self, index: int) -> Example | None:
        return self._read(index) if self._folder else self._memory.get(index)

    def _has_room(self, example: Example) -> bool:
        num_bytes = sum(array.nbytes for array in _different(example).values())
        with self._lock:
            had_room = self._left > 0
            self._left -= num_bytes
            if had_room and self._left <= 0:
                _log.info(
                    "The examples fill config.data.cache_gigabytes; the others are decoded in each "
                    "epoch."
                )
            return self._left > 0

    def _keep(self, index: int, example: Example) -> None:
        if self._folder is None:
            self._memory[index] = example
            return
        if self._examples.is_substitute(index):
            return
        try:
            for name, array in reversed(_different(example).items()):  # `input` completes them
                with atomic_write(self._folder / f"{index}-{name}.npy") as partial:
                    np.save(partial, array)
        except OSError as error:
            self._left = 0
            _log.warning("%s takes no more examples: %s", self._folder, error.strerror)

    def _read(self, index: int) -> Example | None:
        """Returns an example whose arrays are read from files when they are used, or None."""
        try:
            image = _mapped(self._folder / f"{index}-input.npy")
            target = self._folder / f"{index}-target.npy"
            return {"input": image, "target": _mapped(target) if target.exists() else image}
        except (OSError, ValueError):
            return None


# NumPy parses the head of a file as Python, which Python 3.11 cannot do in several threads at once.
_parsing = threading.Lock()


def _mapped(file: Path) -> np.ndarray:
    with _parsing:
        return np.load(file, mmap_mode="r")


def keep_examples(examples: Fitted, config) -> Sequence[Example]:
    """Returns the examples, kept where `config.data.cache` says.

    Raises:
      DatasetError: `config.data.cache` has another value.
    """
    data = config.data
    if data.cache not in PLACES:
        known = ", ".join(PLACES)
        raise DatasetError(f"config.data.cache must be one of {known}, not {data.cache!r}.")
    most_bytes = data.cache_gigabytes * 1e9
    if data.cache == "host":
        return Kept(examples, most_bytes)
    if data.cache == "disk" and make_folder(folder := _folder(config)):
        _log.info("Decoded examples are kept in %s.", folder)
        return Kept(examples, most_bytes, folder)
    if data.cache == "disk":
        _log.warning("%s cannot be written: examples are decoded in each epoch.", folder)
    return examples


def _folder(config) -> Path:
    """Returns the folder of the fitted examples.

    It changes with the dataset's version, the pixels of some of its examples (`fingerprint`), and
    all settings that the fitted examples depend on.
    """
    data = config.data
    facts = (
        fingerprint(data.name, data.train_split, data.data_dir),
        *as_tuples((data.features, data.labels, data.palette, data.styles)),
        *(data.canvas_mode, config.sizes.canvas),
    )
    digest = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    return cache_folder("decoded") / f"{data.name.replace('/', '-')}-{digest}"


def _different(example: Example) -> Example:
    """Returns the arrays of an example without `target` if it is `input`."""
    if example["input"] is example["target"]:
        return {"input": example["input"]}
    return example
