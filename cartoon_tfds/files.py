"""Atomic writing of files, and locks of folders."""

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from cartoon_tfds.errors import UserError


class InUseError(UserError):
    """Raised if another process works in a folder; the one-line message names the process."""


def temporary_path(path: Path) -> Path:
    """Returns a new hidden path in the folder of `path`, with the same suffix.

    A rename within a folder is atomic. Programs that recognise a format by the suffix can check the
    file before the rename. A killed process leaves its temporary file behind.
    """
    start = path.stem[:40]  # file systems limit the length of names
    return path.with_name(f".{start}.{secrets.token_hex(8)}.part{path.suffix}")


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields a temporary path for a new file, and renames it to `path` at the end of the block.

    After an error in the block the temporary file is removed, and `path` stays unchanged.

    Args:
      path: the file to write, in an existing folder.
    """
    temporary = temporary_path(path)
    try:
        yield temporary
        temporary.replace(path)
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
