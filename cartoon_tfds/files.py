"""Paths, atomic writing of files, locks of folders, and descriptions of datasets."""

import contextlib
import functools
import hashlib
import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cartoon_tfds.errors import UserError

_TEMPORARY = re.compile(
    r"\..*\.(?P<machine>[0-9a-f]{8})-(?P<process>[0-9]+)-[0-9a-f]{8}\.part(\.[^.]*)?", re.DOTALL
)


class InUseError(UserError):
    """Raised if another process works in a folder; the one-line message names the process."""


def expand_home(path: str) -> str:
    """Returns a path with `~` or `~NAME` at its start replaced by a home folder.

    Raises:
      UserError: if there is no such home, because a folder called `~NAME` would be made.
    """
    expanded = os.path.expanduser(path)
    if expanded.startswith("~") and not os.path.lexists(Path(expanded).parts[0]):
        raise UserError(f"{path}: no such home folder; write ./{path} for a file of this name")
    return expanded


def real_path(path: str | os.PathLike) -> Path:
    """Returns the absolute path without links, also where a loop makes `Path.resolve` fail."""
    return Path(os.path.realpath(path))


_MOST_BYTES = 255  # of a file's name on common file systems


def fitting(path: Path) -> Path:
    """Returns a path whose name is not longer than file systems allow.

    The end of a longer stem becomes a hash of the name, so that names stay different.
    """
    name, suffix = os.fsencode(path.name), os.fsencode(path.suffix)
    if len(name) <= _MOST_BYTES:
        return path
    end = b"~" + hashlib.sha256(name).hexdigest()[:8].encode() + suffix
    start = name[: _MOST_BYTES - len(end)].decode("utf-8", "ignore").encode()
    return path.with_name(os.fsdecode(start + end))


def temporary_path(path: Path) -> Path:
    """Returns a new hidden path in the folder of `path`, with the same suffix.

    A rename within a folder is atomic. Programs that recognise a format by the suffix can check the
    file before the rename. The name tells the process. A killed process leaves its temporary file
    behind; the next process that calls this function for the folder removes it.
    """
    _remove_abandoned(path.parent)
    start = path.stem[:40]  # file systems limit the length of names
    owner = f"{_machine()}-{os.getpid()}"
    return path.with_name(f".{start}.{owner}-{secrets.token_hex(4)}.part{path.suffix}")


@functools.cache
def _machine() -> str:
    """Returns 8 digits for the space of process numbers: of this computer, or of a container."""
    with contextlib.suppress(OSError):  # only Linux has it
        return _digits(f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}")
    return _digits(socket.gethostname())


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@functools.cache  # once per folder and process
def _remove_abandoned(folder: Path) -> None:
    """Removes the temporary files of processes of this machine that have ended."""
    if os.name != "posix":
        return  # Elsewhere a process cannot be asked without harm.
    with contextlib.suppress(OSError):  # a missing folder, or one of somebody else
        for entry in list(os.scandir(folder)):
            found = _TEMPORARY.fullmatch(entry.name)
            if found and found["machine"] == _machine() and not _is_running(int(found["process"])):
                os.unlink(entry.path)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends no signal
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's
    return True


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields a temporary path for a new file, and renames it to `path` at the end of the block.

    After an error in the block the temporary file is removed, and `path` stays unchanged. An
    OSError about the temporary file names `path`, which the user knows.

    Args:
      path: the file to write, in an existing folder.
    """
    temporary = temporary_path(path)
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.filename == str(temporary):
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Locks a folder for this process, until the end of the block or of the process.

    The file `lock` in the folder names the process that holds the lock.

    Args:
      folder: an existing folder.

    Raises:
      InUseError: if another process holds the lock.
      UserError: if the system is Windows.
    """
    try:
        import fcntl  # Imported here, because Windows lacks it and needs no lock to write images.
    except ImportError:
        raise UserError(
            f"{folder} cannot be locked, because Python on Windows has no fcntl: build datasets and"
            " train on Linux, or in WSL2."
        ) from None

    with open(folder / "lock", "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise InUseError(f"{folder} is in use by {holder}. Wait until it ends.") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


_CLASS_KEYS = ("pythonClassName", "python_class_name", "type")
_OWN_CLASSES = "tensorflow_datasets."


def refuse_foreign_code(folder: Path) -> None:
    """Checks that the description of a prepared dataset names only classes of TFDS itself.

    TensorFlow Datasets imports the module of each class that features.json names, so a dataset from
    elsewhere could run its own code.

    Args:
      folder: the folder with features.json and dataset_info.json.

    Raises:
      UserError: if a description names another class.
      ValueError: if a description is no JSON.
      OSError: if features.json cannot be read.
    """
    for file in (folder / "features.json", folder / "dataset_info.json"):
        for name in _class_names(json.loads(file.read_text(encoding="utf-8"))):
            if not name.startswith(_OWN_CLASSES):
                raise UserError(
                    f"{file} names the class {name!r}, which is code outside TensorFlow Datasets; "
                    "it is not imported"
                )


def _class_names(description: Any) -> Iterator[str]:
    """Yields the names of classes in a description; descriptions lie in texts of others too."""
    if isinstance(description, list):
        description = dict(enumerate(description))
    if isinstance(description, str) and description.lstrip().startswith(("{", "[")):
        with contextlib.suppress(ValueError):  # a text that is no JSON
            yield from _class_names(json.loads(description))
    if isinstance(description, dict):
        for key, value in description.items():
            if key in _CLASS_KEYS and isinstance(value, str) and "." in value:
                yield value
            else:
                yield from _class_names(value)
