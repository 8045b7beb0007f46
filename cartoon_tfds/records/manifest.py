"""Writes the manifest of a prepared dataset, and compares the dataset with it.

`manifest.jsonl` has one line about the build, one line for each example in the order of the
records, and a last line with the SHA-256 of all lines above it.
"""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cartoon_tfds.files import atomic_write
from cartoon_tfds.records.array_record import RecordError, iter_records, parse_record
from cartoon_tfds.sources.splits import content_hash

NAME = "manifest.jsonl"
# `map`, or a function like it that uses several cores, such as `generation.parallel.map_in_order`.
Map = Callable[[Callable[[Any], Any], Iterator[Any]], Iterator[Any]]
CROISSANT = "croissant.json"
"""The description for others, made from the manifest; see `croissant.py`."""


def write(folder: Path, build: dict[str, Any], in_order: Map = map) -> None:
    """Writes the manifest of a complete dataset into its folder.

    Args:
      folder: folder of the dataset, DATA_DIR/cartoon_tfds/CONFIG/VERSION.
      build: settings and library versions of the build, as JSON values.
      in_order: describes the files and the examples.
    """
    header = {**build, "files": _describe_files(folder, in_order)}
    digest = hashlib.sha256()
    with atomic_write(folder / NAME) as partial, partial.open("wb") as file:
        for content in itertools.chain([header], _describe_examples(folder, in_order)):
            line = _to_line(content)
            digest.update(line)
            file.write(line)
        file.write(_to_line({"sha256": digest.hexdigest()}))


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


def first_difference(folder: Path, in_order: Map = map) -> str | None:
    """Returns a one-line message about the first difference, or None for an unchanged dataset.

    Checks the manifest itself, then the size and SHA-256 of each file, then each example against
    its line in the manifest. If a record file differs, the message also names the first record
    that differs.

    Args:
      folder: folder of the dataset.
      in_order: describes the files and the examples.
    """
    try:
        if not _is_whole(folder / NAME):
            return f"{NAME} itself was changed or cut off"
    except OSError as error:
        return f"{NAME} cannot be read: {error}"
    files = read_build(folder)["files"]
    changed_file = _first_changed_file(files, _describe_files(folder, in_order))
    changed_example = _first_changed_example(folder, in_order)
    return " ".join(filter(None, (changed_file, changed_example))) or None


def _is_whole(path: Path) -> bool:
    """Returns True if the last line of a manifest is the SHA-256 of all lines above it."""
    digest, last = hashlib.sha256(), b""
    with path.open("rb") as file:
        for line in file:
            digest.update(last)
            last = line
    return last == _to_line({"sha256": digest.hexdigest()})


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


def _first_changed_example(folder: Path, in_order: Map) -> str | None:
    """Returns a message about the first example that is damaged or differs from its line."""
    expected = read_examples(folder)
    try:
        for found in _describe_examples(folder, in_order):
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


def _describe_files(folder: Path, in_order: Map) -> dict[str, Any]:
    """Returns the size and SHA-256 of each file that the manifest describes, by name."""
    paths = sorted(path for path in folder.iterdir() if path.name not in (NAME, CROISSANT))
    described = in_order(describe_file, iter(paths))
    return {path.name: content for path, content in zip(paths, described, strict=True)}


def describe_file(path: Path) -> dict[str, Any]:
    """Returns the size of a file in bytes, and its SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _describe_examples(folder: Path, in_order: Map) -> Iterator[dict[str, Any]]:
    """Yields the manifest line of each example as a dict, made from the records in their order."""
    yield from in_order(_describe_example, _records_then_error(folder))


def _records_then_error(folder: Path) -> Iterator[tuple[str, int, bytes] | RecordError]:
    """Yields the records, and an error as the last item: `in_order` reads items ahead."""
    try:
        yield from iter_records(folder)
    except RecordError as error:
        yield error


def _describe_example(item: tuple[str, int, bytes] | RecordError) -> dict[str, Any]:
    if isinstance(item, RecordError):
        raise item
    split, index, record = item
    features = {
        name: {"sha256": content_hash(value)} if isinstance(value, bytes) else value
        for name, value in parse_record(record).items()
    }
    return {"split": split, "index": index, **features, "record": content_hash(record)}


def _to_line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"
