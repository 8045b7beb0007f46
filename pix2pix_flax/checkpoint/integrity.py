"""Step directories: which are complete, which are damaged, and the files that they hold."""

import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import atomic_write
from pix2pix_flax.typing import PyTree

_log = logging.getLogger(__name__)

_MANIFEST = "manifest.json"


class CheckpointError(UserError):
    """A checkpoint that is missing, damaged, or of another network."""


class UnreadableError(CheckpointError):
    """A checkpoint whose arrays cannot be read."""


def read_json(path: Path) -> dict[str, Any]:
    """Returns the content of a JSON file; raises a CheckpointError that names the file."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is missing or damaged.") from error


def numbered(folder: Path) -> list[Path]:
    """Returns the paths that are named like a step directory, oldest first."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in paths if path.name.isdigit()), key=lambda path: int(path.name))


def complete(folder: Path) -> list[Path]:
    """Returns the step directories of a run that Orbax has finished, oldest first."""
    return [path for path in numbered(folder) if (path / "run").is_dir()]


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(_MANIFEST)
    )
    return {str(path.relative_to(folder)): _hash(path) for path in files}


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(folder: Path) -> None:
    """Raises a CheckpointError if a file differs from the manifest."""
    if not is_described(folder):  # the process ended between the save and the manifest
        _log.warning("%s has no %s: its files are not verified.", folder, _MANIFEST)
        read_metrics(folder)
        return
    expected, actual = read_json(folder / _MANIFEST), _hashes(folder)
    for name, digest in expected.items():
        if actual.get(name) != digest:
            state = "damaged" if name in actual else "missing"
            raise CheckpointError(f"{folder / name} is {state}.")


def unusable(folder: Path) -> list[tuple[Path, str]]:
    """Returns the step directories of a run that cannot be used, each with the reason.

    Raises:
      CheckpointError: all finished steps are damaged.
    """
    finished = complete(folder)
    damaged = []
    for path in finished:
        try:
            verify(path)
        except CheckpointError as error:
            damaged.append((path, str(error)))
    if damaged and len(damaged) == len(finished):
        raise CheckpointError(f"No checkpoint in {folder} is whole: {damaged[-1][1]}")
    unfinished = [path for path in numbered(folder) if path not in finished]
    return [*damaged, *((path, "it is not complete") for path in unfinished)]


def read_metrics(folder: Path) -> dict[str, float]:
    """Returns the scores of a step; {} if it was not evaluated."""
    file = folder / "metrics" / "metrics"
    return read_json(file) if file.exists() else {}


def is_described(folder: Path) -> bool:
    """Whether a step has a manifest."""
    return (folder / _MANIFEST).exists()


def write_manifest(folder: Path) -> None:
    """Writes the manifest of a finished step, unless it has one."""
    if not is_described(folder):
        text = json.dumps(_hashes(folder), indent=1)
        with atomic_write(folder / _MANIFEST) as partial:
            partial.write_text(text)


def set_aside(path: Path, reason: str) -> None:
    """Renames a damaged step directory, so that its number is free again."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    _log.warning("Setting checkpoint %s aside as %s: %s", path, aside.name, reason)
    path.rename(aside)


def differences(saved: PyTree, target: PyTree, partial: bool) -> list[str]:
    """Returns one line for each array that differs between two trees, with its path.

    Args:
      saved: a tree of arrays, or of descriptions with shape and dtype.
      target: the wanted tree of arrays or descriptions.
      partial: whether `saved` may hold further arrays.
    """
    saved, wanted = _facts(saved), _facts(target)
    lines = [f"{name} is missing" for name in wanted.keys() - saved.keys()]
    if not partial:
        lines += [f"{name} is not wanted" for name in saved.keys() - wanted.keys()]
    lines += [
        f"{name} is {saved[name]} instead of {wanted[name]}"
        for name in saved.keys() & wanted.keys()
        if saved[name] != wanted[name]
    ]
    # The parameters first: the differences of other arrays follow from theirs.
    return sorted(lines, key=lambda line: (".params." not in line, line))


def _facts(tree: PyTree) -> dict[str, str]:
    """Returns shape and dtype by path, for instance `float32[4, 4, 3, 64]`."""
    tree = jax.tree.map(_stored, tree)
    return {
        ".".join(_key(entry) for entry in path): f"{np.dtype(leaf.dtype)}{list(leaf.shape)}"
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def _stored(leaf: Any) -> Any:
    """Returns the description of a stored leaf: Orbax stores a typed key as its uint32 words."""
    is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return jax.eval_shape(jax.random.key_data, leaf) if is_key else leaf


def _key(entry: Any) -> str:
    return str(
        next(getattr(entry, name) for name in ("key", "name", "idx") if hasattr(entry, name))
    )
