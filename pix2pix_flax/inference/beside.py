"""The name of a result that lies beside its source."""

from collections.abc import Collection
from pathlib import Path

from cartoon_tfds.files import fitting

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
