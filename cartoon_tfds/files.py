"""Files that are either complete or not there."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Gives another name to write to; the file takes its own when the block ends without an error.

    Args:
      path: of the file, in a folder that is there.
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
