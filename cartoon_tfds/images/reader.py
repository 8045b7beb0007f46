"""The one safe reader of pictures.

Decoders agree on eight-bit RGB only. Some turn a picture upright and some do not; grey,
transparent, CMYK and 16-bit pictures give four shapes and two dtypes; a truncated file gives an
error, a grey area or None. So the project reads every picture with `read_image`, or with
`read_picture` if it needs transparency and bit depth, and all code works on the same pixels.
"""

import dataclasses
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from cartoon_tfds.errors import UserError, one_line
from cartoon_tfds.images.channels import Picture, decode_channels
from cartoon_tfds.images.left_out import advice_for
from cartoon_tfds.images.opening import UnknownFormatError, count_pages, open_header

MAX_PIXELS = 2**26  # about 67 million: the largest phone sensors pass, decompression bombs do not
MIN_SIDE = 8


class ImageError(UserError):
    """A picture that cannot be used; the message is one line with its name and the cause."""


def read_image(
    path_or_bytes: str | os.PathLike | bytes,
    name: str | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
    min_side: int = MIN_SIDE,
) -> np.ndarray:
    """Reads a picture as upright RGB.

    The EXIF orientation is applied, transparent pixels are laid over white, 16-bit values keep
    their high byte, and an animation gives its first frame. The size is checked in the header,
    before any pixel is decoded. The format is recognised by the content, not by the file's suffix.

    Args:
      path_or_bytes: the path of a file, or the bytes of one.
      name: name of the picture in error messages; by default its path.
      max_pixels: pictures with more pixels are refused.
      min_side: pictures narrower or lower than this many pixels are refused.

    Returns:
      uint8 `[H, W, 3]`, RGB, in 0..255, contiguous and writable.

    Raises:
      ImageError: if the file is missing, empty, damaged, not a picture, too large or too small.
    """
    picture = read_picture(path_or_bytes, name, max_pixels=max_pixels, min_side=min_side)
    return picture.over_white()


def read_picture(
    path_or_bytes: str | os.PathLike | bytes,
    name: str | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
    min_side: int = MIN_SIDE,
) -> Picture:
    """Reads a picture with its transparency, its 16 bits and its ICC profile.

    The arguments and the errors are the same as in `read_image`.
    """
    if name is None:
        name = "picture" if isinstance(path_or_bytes, bytes) else os.fspath(path_or_bytes)
    with _open_stream(path_or_bytes, name) as stream:
        try:
            pages = _check_header(stream, name, max_pixels, min_side)
            picture = decode_channels(lambda: open_header(stream))
            return dataclasses.replace(picture, pages=pages)
        except ImageError:
            raise
        except UnknownFormatError as error:
            raise ImageError(
                f"{name}: not a picture in a known format{advice_for(name)}"
            ) from error
        except Exception as error:  # Damaged files make decoders raise almost anything.
            raise ImageError(f"{name}: damaged: {one_line(error)}") from error


def pages_of(path_or_bytes: str | os.PathLike | bytes) -> int:
    """Returns the number of pages or frames of a picture; 1 if it cannot be read."""
    try:
        with _open_stream(path_or_bytes, "") as stream, open_header(stream) as picture:
            return count_pages(picture)
    except Exception:  # Damaged files make readers raise almost anything; `read_image` tells it.
        return 1


def _open_stream(path_or_bytes: str | os.PathLike | bytes, name: str) -> BinaryIO:
    """Opens a picture for reading, or raises an ImageError."""
    if isinstance(path_or_bytes, bytes):
        stream, size = io.BytesIO(path_or_bytes), len(path_or_bytes)
    else:
        path = Path(path_or_bytes)
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):  # Reading a named pipe would wait for ever.
                raise ImageError(f"{name}: not a file")
            stream, size = path.open("rb"), status.st_size
        except OSError as error:
            raise ImageError(f"{name}: {error.strerror}") from error
    if not size:
        stream.close()
        raise ImageError(f"{name}: the file is empty")
    return stream


def _check_header(stream: BinaryIO, name: str, max_pixels: int, min_side: int) -> int:
    """Returns the number of pages; raises an ImageError if the picture must not be decoded."""
    with open_header(stream) as picture:
        pages = count_pages(picture)
        width, height = picture.size
        if width * height > max_pixels:
            raise ImageError(f"{name}: {width}x{height} is over the limit of {max_pixels} pixels")
        if min(width, height) < min_side:
            least = f"both sides must have at least {min_side} pixels"
            raise ImageError(f"{name}: {width}x{height} is too small, {least}")
        if picture.mode == "F" or (picture.mode == "I" and picture.format not in ("PNG", "PPM")):
            raise ImageError(f"{name}: 32-bit pixels, whose range is unknown")
        if picture.format == "TIFF" and _has_deep_planes(picture):
            raise ImageError(f"{name}: 16-bit channels in separate planes, which Pillow misreads")
        if picture.format == "PNG":
            # Decoding stops at the last row, before the checksums; verify() reads them all.
            picture.verify()
        return pages


def _has_deep_planes(picture: Image.Image) -> bool:
    """Returns whether an uncompressed TIFF file stores 16-bit channels in separate planes."""
    tags = picture.tag_v2
    compression, bits, layout = (tags.get(number) for number in (259, 258, 284))
    return compression == 1 and layout == 2 and max(bits) == 16
