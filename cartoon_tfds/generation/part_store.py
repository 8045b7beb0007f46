"""Stores finished parts of a dataset on disk, so that a killed build can be continued."""

import json
import zipfile
from pathlib import Path
from typing import Any

from cartoon_tfds.files import atomic_write
from cartoon_tfds.recipes.base import Example

_INDEX = "examples.json"


class PartStore:
    """A folder of finished parts, each an uncompressed zip file with images and an index.

    A part is either complete or absent. Any zip tool can open a part.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def holds(self, key: str) -> bool:
        """Returns True if a part is stored and undamaged."""
        if not self._path(key).exists():
            return False
        try:
            self.load(key)  # zipfile compares all checksums
        except Exception:  # zipfile raises many kinds of errors for a damaged file
            return False
        return True

    def save(self, key: str, examples: list[Example]) -> None:
        """Writes the examples of a part.

        Args:
          key: name of the part, made of letters, digits and dashes.
          examples: pairs of a name and features. Features of type bytes become files in the zip;
            all remaining features must be JSON values.
        """
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial, zipfile.ZipFile(partial, "x") as file:
            index = [[name, _save_features(file, name, kept)] for name, kept in examples]
            file.writestr(_INDEX, json.dumps(index))

    def load(self, key: str) -> list[Example]:
        """Returns the examples of a part; call it only if `holds(key)` is True."""
        with zipfile.ZipFile(self._path(key)) as file:
            index = json.loads(file.read(_INDEX))
            return [(name, _load_features(file, features)) for name, features in index]

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.zip"


def _save_features(file: zipfile.ZipFile, name: str, features: dict[str, Any]) -> dict[str, Any]:
    """Writes features of type bytes to the zip file, and returns all features as JSON values."""
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
    """Returns the features that `_save_features` wrote."""
    return {
        feature: file.read(value["file"]) if isinstance(value, dict) else value
        for feature, value in saved.items()
    }
