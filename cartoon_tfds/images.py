"""The one safe reader of pictures, and a writer that never leaves half a file.

Decoders disagree on everything but eight-bit RGB: some turn a picture upright, some do not; grey,
transparent, CMYK and 16-bit pictures arrive in four shapes and two types; a truncated file is an
error, a grey area or nothing at all. Every picture that enters the project comes through
`read_image`, so that all of it works on the same pixels.
"""

import io
import os
import stat
import warnings
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageOps

from cartoon_tfds.appearing import appearing

MAX_PIXELS = 2**26  # about 67 million: the largest phone sensors pass, decompression bombs do not
MIN_SIDE = 8

# Without EPS and WMF, which Pillow hands to other programs to draw.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")

# The names of files that are taken for pictures.
PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
)

_PNG_SETTINGS = (
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH),
)


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
    if name is None:
        name = "picture" if isinstance(path_or_bytes, bytes) else os.fspath(path_or_bytes)
    with _open_stream(path_or_bytes, name) as stream:
        try:
            return _decode(stream, name, max_pixels, min_side)
        except ImageError:
            raise
        except Exception as error:  # Damaged files make decoders raise almost anything.
            raise ImageError(f"{name}: damaged: {_one_line(error)}") from error


def encode_png(image: np.ndarray) -> bytes:
    """Returns the bytes of a PNG file with exactly these pixels.

    Args:
      image: uint8 `[H, W, 3]`, RGB.

    Raises:
      ValueError: if the array is of another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(f"expected uint8 [H, W, 3], got {image.dtype} {list(image.shape)}")
    # One filter for all rows and no search for repetitions: half the time of Pillow's fastest
    # setting, and smaller files, of photographs and of cartoons.
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", bgr, _PNG_SETTINGS)[1].tobytes()


def write_png(path: str | os.PathLike, image: np.ndarray) -> None:
    """Writes a PNG file that is either complete or not there (see `encode_png`)."""
    data = encode_png(image)
    with appearing(Path(path)) as partial:
        partial.write_bytes(data)


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


def _decode(stream: BinaryIO, name: str, max_pixels: int, min_side: int) -> np.ndarray:
    """Checks the header, then decodes (see `read_image`)."""
    with _open_header(stream, name) as picture:
        width, height = picture.size
        if width * height > max_pixels:
            raise ImageError(f"{name}: {width}x{height} is over the limit of {max_pixels} pixels")
        if min(width, height) < min_side:
            raise ImageError(f"{name}: {width}x{height} is too small, at least {min_side} pixels")
        if picture.format == "PNG":
            # Decoding stops at the last row, before the checksums; verify() reads them all.
            picture.verify()
            stream.seek(0)
            with _open_header(stream, name) as again:
                return _to_rgb(again, name)
        return _to_rgb(picture, name)


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


def _to_rgb(picture: Image.Image, name: str) -> np.ndarray:
    """Decodes a picture (its first frame) into upright RGB, uint8 `[H, W, 3]`."""
    sixteen_bit = picture.mode.startswith("I;16") or (
        picture.mode == "I" and picture.format in ("PNG", "PPM")
    )
    picture = ImageOps.exif_transpose(picture)
    if sixteen_bit:
        # The high byte, which is also what Pillow keeps of 16-bit colour.
        grey = (np.asarray(picture) >> 8).astype(np.uint8)
        return np.repeat(grey[..., np.newaxis], 3, axis=-1)
    if picture.mode in ("I", "F"):
        raise ImageError(f"{name}: 32-bit pixels, whose range is unknown")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"))


def _one_line(error: BaseException) -> str:
    """Returns an error's message (or at least its name) on one line."""
    return " ".join(str(error).split()) or type(error).__name__
