"""Files that are complete or absent, and folders that one process at a time works in."""

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from cartoon_tfds.errors import UserError


class InUseError(UserError):
    """A folder that another process works in; the message is one line that names the process."""


def temporary_path(path: Path) -> Path:
    """Returns a new hidden name in the folder of `path`, which begins and ends like its name.

    In the same folder a rename is one step, and programs that go by the suffix can check the file
    before it gets its own name. A killed process leaves its temporary file behind.
    """
    start = path.stem[:40]  # the longest names of files leave no room for more characters
    return path.with_name(f".{start}.{secrets.token_hex(8)}.part{path.suffix}")


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Gives a temporary path to write to; at the end of the block it is renamed to `path`.

    After an error in the block the temporary file is removed, and `path` is left unchanged.

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
    """Holds a folder for this process; the lock ends with the process, however it ends.

    The file `lock` in the folder names the process.

    Args:
      folder: an existing folder.

    Raises:
      InUseError: another process holds the folder.
    """
    import fcntl  # Not on Windows, where pictures are written all the same.

    with open(folder / "lock", "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise InUseError(f"{folder} is in use by {holder}.") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield
