"""Writes the manifest of a prepared dataset, and compares the dataset with it.

`manifest.jsonl` has one line about the build, one line for each example in the order of the
records, and a last line with the SHA-256 of all lines above it.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cartoon_tfds.files import atomic_write
from cartoon_tfds.records.array_record import RecordError, iter_records, parse_record
from cartoon_tfds.sources.splits import content_hash

NAME = "manifest.jsonl"
CROISSANT = "croissant.json"
"""The description for others, made from the manifest; see `croissant.py`."""


def write(folder: Path, build: dict[str, Any]) -> None:
    """Writes the manifest of a complete dataset into its folder.

    Args:
      folder: folder of the dataset, DATA_DIR/cartoon_tfds/CONFIG/VERSION.
      build: settings and library versions of the build, as JSON values.
    """
    header = {**build, "files": _describe_files(folder)}
    text = "".join(_to_line(line) for line in [header, *_describe_examples(folder)])
    text += _to_line({"sha256": content_hash(text.encode())})
    with atomic_write(folder / NAME) as partial:
        partial.write_text(text, encoding="utf-8")


def read_build(folder: Path) -> dict[str, Any] | None:
    """Returns the line about the build, or None if the manifest cannot be read."""
    try:
        with (folder / NAME).open(encoding="utf-8") as file:
            build = json.loads(file.readline())
    except (OSError, ValueError):
        return None
    return build if isinstance(build, dict) else None


def read_examples(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields the line of each example in the manifest of a dataset, as a dict."""
    with (folder / NAME).open(encoding="utf-8") as file:
        for line in file:
            content = json.loads(line)
            if "split" in content:
                yield content


def first_difference(folder: Path) -> str | None:
    """Returns a one-line message about the first difference, or None for an unchanged dataset.

    Checks the manifest itself, then the size and SHA-256 of each file, then each example against
    its line in the manifest. If a record file differs, the message also names the first record
    that differs.

    Args:
      folder: folder of the dataset.
    """
    try:
        text = (folder / NAME).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        return f"{NAME} cannot be read: {error}"
    body, _, last = text.rstrip("\n").rpartition("\n")
    if last != _to_line({"sha256": content_hash(f"{body}\n".encode())}).rstrip("\n"):
        return f"{NAME} itself was changed or cut off"
    header, *lines = map(json.loads, body.splitlines())
    changed_file = _first_changed_file(header["files"], _describe_files(folder))
    changed_example = _first_changed_example(folder, lines)
    return " ".join(filter(None, (changed_file, changed_example))) or None


def _first_changed_file(expected: dict[str, Any], found: dict[str, Any]) -> str | None:
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            return f"{name} is missing."
        if name not in expected:
            return f"{name} does not belong to the dataset."
        if found[name] != expected[name]:
            return (
                f"{name} differs: {found[name]['bytes']} bytes of SHA-256 {found[name]['sha256']},"
                f" expected {expected[name]['bytes']} of {expected[name]['sha256']}."
            )
    return None


def _first_changed_example(folder: Path, lines: list[dict[str, Any]]) -> str | None:
    """Returns a message about the first example that is damaged or differs from its line."""
    expected = iter(lines)
    try:
        for found in _describe_examples(folder):
            line = next(expected, {})
            if found != line:
                return _what_differs(found, line)
    except RecordError as error:
        return f"{error}."
    return None if next(expected, None) is None else f"{NAME} has more lines than examples."


def _what_differs(found: dict[str, Any], line: dict[str, Any]) -> str:
    names = sorted(key for key in found.keys() | line.keys() if found.get(key) != line.get(key))
    return (
        f"{found['split']} example {found['index']} ({line.get('id')}) differs from the manifest"
        f" in {', '.join(names)}."
    )


def _describe_files(folder: Path) -> dict[str, Any]:
    """Returns the size and SHA-256 of each file that the manifest describes, by name."""
    paths = sorted(path for path in folder.iterdir() if path.name not in (NAME, CROISSANT))
    return {path.name: describe_file(path) for path in paths}


def describe_file(path: Path) -> dict[str, Any]:
    """Returns the size of a file in bytes, and its SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _describe_examples(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields the manifest line of each example as a dict, made from the records in their order."""
    for split, index, record in iter_records(folder):
        features = {
            name: {"sha256": content_hash(value)} if isinstance(value, bytes) else value
            for name, value in parse_record(record).items()
        }
        yield {"split": split, "index": index, **features, "record": content_hash(record)}


def _to_line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False) + "\n"
