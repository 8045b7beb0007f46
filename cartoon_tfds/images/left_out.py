"""Which files are taken for pictures, and the lines about content that is left out."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cartoon_tfds.images.opening import HAS_HEIF

_HEIF = frozenset({".heic", ".heif", ".hif"})
_NAMES = "avif bmp gif jfif jpe jpeg jpg mpo pgm png pnm ppm tif tiff webp"

PICTURE_SUFFIXES = frozenset(f".{name}" for name in _NAMES.split()) | (
    _HEIF if HAS_HEIF else frozenset()
)
"""Files with these suffixes, in small letters, are taken for pictures."""

_OTHER_NAMES = (
    "jxl jp2 j2k jpf jpx psd xcf svg eps ico tga exr hdr "  # the rest: raw files of cameras
    "arw cr2 cr3 crw dng kdc mrw nef nrw orf pef raf raw rw2 srw x3f"
)
UNREAD_SUFFIXES = (_HEIF | {f".{name}" for name in _OTHER_NAMES.split()}) - PICTURE_SUFFIXES
"""Files with these suffixes, in small letters, are pictures that cannot be read."""


def passed_over(paths: Iterable[Path]) -> str | None:
    """Returns one line about the pictures of formats that cannot be read; None if there is none.

    Args:
      paths: names of the files that are not taken; names of other files do not count.
    """
    suffixes = [path.suffix.lower() for path in paths]
    kinds = Counter(_kind(suffix) for suffix in suffixes if suffix in UNREAD_SUFFIXES)
    if not kinds:
        return None
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    files = "file" if kinds.total() == 1 else "files"
    return f"{listed} {files} passed over: {_remedy(kinds)}"


def further_pages(pages: Iterable[tuple[str, int]]) -> str | None:
    """Returns one line about the pages or frames after the first; None if there are none.

    Args:
      pages: name and number of pages of each file.
    """
    names = [f"{name} ({count - 1})" for name, count in pages if count > 1]
    return f"only the first page or frame is used; left out: {some(names)}" if names else None


_MOST_NAMES = 5


def some(names: Iterable[str]) -> str:
    """Returns the first names with commas, and the number of the others."""
    names = list(names)
    others = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {others} more" if others > 0 else "")


def advice_for(name: str) -> str:
    """Returns the end of a message about a picture of an unknown format; "" without advice."""
    suffix = Path(name).suffix.lower()
    return f": {_remedy([_kind(suffix)])}" if suffix in UNREAD_SUFFIXES else ""


def _kind(suffix: str) -> str:
    return "HEIC" if suffix in _HEIF else suffix[1:].upper()


def _remedy(kinds: Iterable[str]) -> str:
    both = "convert to JPEG or PNG"
    return f"{both}, or pip install 'pix2pix-flax[heic]'" if "HEIC" in kinds else both
