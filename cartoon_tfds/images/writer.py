"""Writes a picture in the format that the suffix of its file names."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import atomic_write
from cartoon_tfds.images.channels import eight_bits, over_white
from cartoon_tfds.images.png import encode_png

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
WRITABLE_SUFFIXES = frozenset(_FORMATS)
"""Suffixes of the files that `write_picture` writes, in small letters."""
_JPEG_SIDE = 65_500  # libjpeg's limit


def write_picture(
    path: str | os.PathLike,
    image: np.ndarray,
    icc_profile: bytes | None = None,
    *,
    quality: int = 92,
) -> None:
    """Writes a picture atomically: the file is complete or absent.

    PNG keeps all levels. JPEG and WebP have 8 bits per channel and lose some detail; JPEG has no
    transparency, so the picture is laid on white.

    Args:
      path: the file; its suffix is one of `WRITABLE_SUFFIXES`.
      image: uint8 or uint16, `[H, W]` grey, `[H, W, 3]` RGB or `[H, W, 4]` RGB with transparency.
      icc_profile: ICC profile of the levels, for grey or for RGB like `image`; None for sRGB.
      quality: 1..100, of JPEG and WebP.

    Raises:
      UserError: the suffix is of no known format, the picture is too large for JPEG or WebP, or the
        file cannot be written.
    """
    path = Path(path)
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise UserError(f"{path} does not end in {', '.join(sorted(_FORMATS))}")
    try:
        data = encode_picture(image, kind, icc_profile, quality=quality)
    except ValueError as error:
        raise UserError(f"{path}: {error}; write a PNG file instead") from error
    try:
        with atomic_write(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def encode_picture(
    image: np.ndarray, kind: str, icc_profile: bytes | None = None, *, quality: int = 92
) -> bytes:
    """Returns the bytes of a file of the kind `PNG`, `JPEG` or `WEBP`; see `write_picture`.

    Raises:
      ValueError: the picture is too large for JPEG or WebP.
    """
    if kind == "PNG":
        return encode_png(image, icc_profile)
    if kind == "JPEG" and max(image.shape[:2]) > _JPEG_SIDE:
        raise ValueError(f"a JPEG has at most {_JPEG_SIDE} pixels a side")
    picture = Image.fromarray(eight_bits(image))
    if kind == "JPEG" and picture.mode == "RGBA":
        picture = over_white(picture)
    # Colours at full resolution: the borders of a drawing are sharp.
    settings = {"subsampling": 0} if kind == "JPEG" else {}
    if icc_profile:
        settings["icc_profile"] = icc_profile
    file = io.BytesIO()
    picture.save(file, kind, quality=quality, **settings)
    return file.getvalue()
