"""The name of a result that lies beside its source."""

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

LABEL = "-cartoon"
"""Ends the name of such a result, before its suffix."""


def beside(source: Path, writable: Collection[str], default: str) -> Path:
    """Returns `photo-cartoon.jpg` for `photo.jpg`.

    Args:
      source: the source file.
      writable: suffixes that a result may have, in small letters.
      default: suffix of the result if the suffix of the source is not writable.
    """
    suffix = source.suffix if source.suffix.lower() in writable else default
    return fitting(source.with_name(f"{source.stem}{LABEL}{suffix}"))


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
