"""The one safe reader of pictures.

Decoders disagree on everything but eight-bit RGB: some turn a picture upright, some do not; grey,
transparent, CMYK and 16-bit pictures arrive in four shapes and two types; a truncated file is an
error, a grey area or nothing at all. Every picture that enters the project comes through
`read_image`, or with its transparency and depth through `read_picture`, so that all of it works on
the same pixels.
"""

import io
import os
import stat
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from cartoon_tfds.images.channels import Picture, decode_channels

MAX_PIXELS = 2**26  # about 67 million: the largest phone sensors pass, decompression bombs do not
MIN_SIDE = 8

# Without EPS and WMF, which Pillow hands to other programs to draw.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")

# The names of files that are taken for pictures.
_NAMES = "avif bmp gif jfif jpe jpeg jpg mpo pgm png pnm ppm tif tiff webp"
PICTURE_SUFFIXES = frozenset(f".{name}" for name in _NAMES.split())


class ImageError(ValueError):
    """A picture that cannot be used; the message is one line with its name and the cause."""


def read_image(
    path_or_bytes: str | os.PathLike | bytes,
    name: str | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
    min_side: int = MIN_SIDE,
) -> np.ndarray:
    """Returns any picture as upright RGB.

    The EXIF orientation is applied, transparency is laid over white, 16-bit values keep their high
    byte, and of an animation the first frame is taken. The size is judged by the header, before
    anything is decoded. The format is judged by the content, not by the file's extension.

    Args:
      path_or_bytes: a file, or the bytes of one.
      name: what errors call the picture; by default its path.
      max_pixels: pictures of more pixels are refused.
      min_side: pictures narrower or lower than this many pixels are refused.

    Returns:
      uint8 `[H, W, 3]`, RGB, in 0..255, contiguous and writable.

    Raises:
      ImageError: if the file is missing, empty, damaged, no picture, too large or too small.
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
    """Returns any picture with what else its file holds: transparency, 16 bits, a profile.

    For the arguments, and what is refused, see `read_image`.
    """
    if name is None:
        name = "picture" if isinstance(path_or_bytes, bytes) else os.fspath(path_or_bytes)
    with _open_stream(path_or_bytes, name) as stream:
        try:
            _check_header(stream, name, max_pixels, min_side)
            return decode_channels(lambda: _open_header(stream, name))
        except ImageError:
            raise
        except Exception as error:  # Damaged files make decoders raise almost anything.
            raise ImageError(f"{name}: damaged: {_one_line(error)}") from error


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


def _check_header(stream: BinaryIO, name: str, max_pixels: int, min_side: int) -> None:
    """Raises an ImageError for what is not to be decoded (see `read_image`)."""
    with _open_header(stream, name) as picture:
        width, height = picture.size
        if width * height > max_pixels:
            raise ImageError(f"{name}: {width}x{height} is over the limit of {max_pixels} pixels")
        if min(width, height) < min_side:
            raise ImageError(f"{name}: {width}x{height} is too small, at least {min_side} pixels")
        if picture.mode == "F" or (picture.mode == "I" and picture.format not in ("PNG", "PPM")):
            raise ImageError(f"{name}: 32-bit pixels, whose range is unknown")
        if picture.format == "TIFF" and _has_deep_planes(picture):
            raise ImageError(f"{name}: 16-bit channels one after the other, which Pillow misreads")
        if picture.format == "PNG":
            # Decoding stops at the last row, before the checksums; verify() reads them all.
            picture.verify()


def _has_deep_planes(picture: Image.Image) -> bool:
    """Returns whether an uncompressed TIFF file has 16-bit channels in planes of their own."""
    tags = picture.tag_v2
    compression, bits, layout = (tags.get(number) for number in (259, 258, 284))
    return compression == 1 and layout == 2 and max(bits) == 16


def _open_header(stream: BinaryIO, name: str) -> Image.Image:
    """Reads a picture's header; its pixels are decoded later."""
    try:
        # Not safe in threads, yet harmless: at worst Pillow's warning stays an error.
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(stream, formats=FORMATS)
    except Image.UnidentifiedImageError as error:
        raise ImageError(f"{name}: not a picture in a known format") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(f"{name}: too large: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    """Returns an error's message (or at least its name) on one line."""
    return " ".join(str(error).split()) or type(error).__name__
