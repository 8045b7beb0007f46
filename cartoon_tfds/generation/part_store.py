"""Finished parts of a dataset on disk, so that a build that was killed goes on where it was."""

import json
import zipfile
from pathlib import Path
from typing import Any

from cartoon_tfds.files import atomic_write
from cartoon_tfds.recipes.base import Example

_INDEX = "examples.json"


class PartStore:
    """A folder of finished parts: each an uncompressed zip file of its pictures and an index.

    A part is either complete or absent. Any zip tool shows its content.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def holds(self, key: str) -> bool:
        """Returns whether a part is there and undamaged."""
        if not self._path(key).exists():
            return False
        try:
            self.load(key)  # which compares all checksums
        except Exception:  # a damaged file makes zipfile raise almost anything
            return False
        return True

    def save(self, key: str, examples: list[Example]) -> None:
        """Writes a part.

        Args:
          key: the part's name, of letters, digits and dashes.
          examples: bytes become files; all other values must fit into JSON.
        """
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial, zipfile.ZipFile(partial, "x") as file:
            index = [[name, _save_features(file, name, kept)] for name, kept in examples]
            file.writestr(_INDEX, json.dumps(index))

    def load(self, key: str) -> list[Example]:
        """Returns a part as it was saved; `holds` has to be true of it."""
        with zipfile.ZipFile(self._path(key)) as file:
            index = json.loads(file.read(_INDEX))
            return [(name, _load_features(file, features)) for name, features in index]

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.zip"


def _save_features(file: zipfile.ZipFile, name: str, features: dict[str, Any]) -> dict[str, Any]:
    """Writes the bytes among the features to the file; returns all as JSON can hold them."""
    saved = {}
    for feature, value in features.items():
        if isinstance(value, bytes):
            member = f"{name}.{feature}.png"
            file.writestr(member, value)
            saved[feature] = {"file": member}
        else:
            saved[feature] = value
    return saved


def _load_features(file: zipfile.ZipFile, saved: dict[str, Any]) -> dict[str, Any]:
    """Returns features as they were before `_save_features`."""
    return {
        feature: file.read(value["file"]) if isinstance(value, dict) else value
        for feature, value in saved.items()
    }
