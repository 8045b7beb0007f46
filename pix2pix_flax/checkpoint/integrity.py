"""Step directories: which are complete, which are damaged, and the files that they hold."""

import hashlib
import json
import logging
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import atomic_write
from pix2pix_flax.typing import PyTree

_log = logging.getLogger(__name__)

_MANIFEST = "manifest.json"
_METRICS = "metrics/metrics"
_PROTECTED = ("state/", "run/")  # every file there must be in the manifest

WRITTEN_BY_COMMIT = ("_CHECKPOINT_METADATA", "commit_success.txt")
"""Files that Orbax writes in the moment in which a step gets its name. They hold no arrays."""


class CheckpointError(UserError):
    """A checkpoint that is missing, damaged, or of another network."""


class UnreadableError(CheckpointError):
    """A checkpoint whose arrays cannot be read."""


class NoUsableStepError(CheckpointError):
    """A run that has step directories, none of which can be used; nothing was changed."""

    exit_code = 4

    def __init__(self, folder: Path, reason: str):
        super().__init__(
            f"No checkpoint in {folder} is whole: {reason.rstrip('.')}. Put a copy of a step back, "
            "or begin anew with --fresh, which sets the old steps aside and deletes nothing."
        )


def read_json(path: Path) -> dict[str, Any]:
    """Returns the object in a JSON file; raises a CheckpointError that names the file."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is missing or damaged.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} is damaged.")
    return content


def numbered(folder: Path) -> list[Path]:
    """Returns the paths that are named like a step directory, oldest first."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in paths if path.name.isdigit()), key=lambda path: int(path.name))


def complete(folder: Path) -> list[Path]:
    """Returns the step directories of a run that Orbax has finished, oldest first."""
    return [path for path in numbered(folder) if (path / "run").is_dir()]


def _files(folder: Path) -> list[str]:
    """Returns the files of a step without the manifest, as paths below `folder`."""
    files = (path for path in folder.rglob("*") if path.is_file())
    names = sorted(str(path.relative_to(folder)) for path in files)
    return [name for name in names if name != _MANIFEST]


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(folder: Path) -> None:
    """Raises a CheckpointError if a file differs from the manifest."""
    if not is_described(folder):  # the process ended between the save and the manifest
        _log.warning("%s has no %s: its files are not verified.", folder, _MANIFEST)
        read_metrics(folder)
        return
    expected, found = read_json(folder / _MANIFEST), _files(folder)
    for name, digest in expected.items():
        if name not in found:
            raise CheckpointError(f"{folder / name} is missing.")
        if _hash(folder / name) != digest:
            raise CheckpointError(f"{folder / name} is damaged.")
    for name in found:
        if name.startswith(_PROTECTED) and name not in expected:
            raise CheckpointError(f"{folder / _MANIFEST} is damaged: {name} is not in it.")


def unusable(folder: Path) -> list[tuple[Path, str]]:
    """Returns the step directories of a run that cannot be used, each with the reason.

    Raises:
      NoUsableStepError: none of them can be used.
    """
    steps, finished = numbered(folder), complete(folder)
    found = []
    for path in steps:
        if path not in finished:
            found.append((path, f"{path} is not complete"))
            continue
        try:
            verify(path)
        except CheckpointError as error:
            found.append((path, str(error)))
    if steps and len(found) == len(steps):
        raise NoUsableStepError(folder, found[-1][1])
    return found


def read_metrics(folder: Path) -> dict[str, float]:
    """Returns the scores of a step; {} if it was not evaluated."""
    file = folder / _METRICS
    return read_json(file) if file.exists() else {}


def write_metrics(folder: Path, metrics: dict[str, float]) -> None:
    """Writes the scores of a step that has none, and updates its manifest if it has one.

    If the process is killed meanwhile, the step stays usable: the manifest does not list the file.
    """
    described = is_described(folder)
    if described:
        listed = read_json(folder / _MANIFEST)
        _write_json(folder / _MANIFEST, {n: sha for n, sha in listed.items() if n != _METRICS})
    _write_json(folder / _METRICS, metrics)
    if described:
        describe(folder)


def is_described(folder: Path) -> bool:
    """Whether a step has a manifest."""
    return (folder / _MANIFEST).exists()


def describe(folder: Path, *, without: Collection[str] = ()) -> None:
    """Adds the files of a step that its manifest does not list yet to the manifest.

    Only the process that has written the step may call this: later the files may be damaged.

    Args:
      folder: the step directory, or its temporary directory before the commit.
      without: files to leave out.
    """
    listed = read_json(folder / _MANIFEST) if is_described(folder) else {}
    names = [name for name in _files(folder) if name not in listed and name not in without]
    _write_json(folder / _MANIFEST, listed | {name: _hash(folder / name) for name in names})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(content, indent=1))


def set_aside(path: Path, reason: str, word: str = "damaged") -> None:
    """Renames a directory of a run to `NAME.WORD-TIME`, so that its name is free again."""
    aside = path.with_name(f"{path.name}.{word}-{time.strftime('%Y%m%d-%H%M%S')}")
    _log.warning("Setting %s aside as %s: %s", path, aside.name, reason)
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
