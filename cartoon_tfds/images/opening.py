"""Opens pictures with Pillow: metadata that cannot be read is left out, pixels stay strict.

`Image.open` refuses a whole file for a comment that is too large or a damaged colour profile, takes
phones' photographs with a second shot for another format, and hides why a file cannot be read.
"""

import contextlib
import ctypes
import functools
import importlib.util
import io
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import PIL
from PIL import (
    AvifImagePlugin,
    ExifTags,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
)

from cartoon_tfds.errors import one_line

# Pillow warns about metadata, and those who draw pictures can do nothing about it. The filter is
# for the whole process, because a filter that is set in a thread is lost when another thread ends.
warnings.filterwarnings("ignore", module=r"PIL\.")

# libtiff writes its own messages; for Pillow's copy of it on Linux, they can be turned off.
for _library in Path(PIL.__file__).parents[1].glob("pillow.libs/libtiff*.so*"):
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(str(_library)).TIFFSetErrorHandler(None)

HAS_HEIF = importlib.util.find_spec("pillow_heif") is not None
"""Whether the package pillow-heif is installed, which reads the photographs of phones."""

# EPS and WMF are left out, because Pillow lets other programs draw them.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnknownFormatError(ValueError):
    """The bytes begin like no known format."""


def open_header(stream: BinaryIO) -> Image.Image:
    """Reads a picture's header; its pixels are decoded later.

    Returns:
      The picture. The value of `icc_profile` in its `info` is None if there is a profile that
      cannot be read.

    Raises:
      UnknownFormatError: no format begins with these bytes.
      ValueError: the header is damaged, or of a kind that Pillow does not read; the message is one
        line.
    """
    stream.seek(0)
    prefix, problem = stream.read(16), ""
    for name, (factory, accept) in _readers().items():
        accepted = accept(prefix)
        if isinstance(accepted, str):  # the name of a decoder that this Pillow lacks
            problem = accepted
        elif accepted:
            stream.seek(0)
            try:
                return factory(stream)
            except Exception as error:  # Damaged files make readers raise almost anything.
                problem = f"{name}: {one_line(error)}"
    if problem:
        raise ValueError(problem)
    raise UnknownFormatError


def upright(picture: Image.Image) -> Image.Image:
    """Decodes the pixels and turns them upright; unchanged if the orientation cannot be read."""
    picture.load()
    turn = None
    with contextlib.suppress(Exception):  # Damaged EXIF data raise almost anything.
        turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation))
    return picture if turn is None else picture.transpose(turn)


class _Png(PngImagePlugin.PngImageFile):
    """A PNG file without the chunks that Pillow cannot read and that hold no pixels."""

    def _open(self) -> None:
        self.fp, has_bad_profile = _readable_chunks(self.fp)
        super()._open()
        self.n_frames -= self.default_image  # Without `_ANIMATION` the first frame counts twice.
        if has_bad_profile:
            self.info.setdefault("icc_profile", None)


class _Tiff(TiffImagePlugin.TiffImageFile):
    """A TIFF file whose EXIF data is the orientation alone; further directories are not read."""

    def getexif(self) -> Image.Exif:
        exif, tag = Image.Exif(), ExifTags.Base.Orientation
        with contextlib.suppress(Exception):
            if self.tag_v2.get(tag) in _TURNS:
                exif[tag] = self.tag_v2[tag]
        return exif


class _Avif(AvifImagePlugin.AvifImageFile):
    """An AVIF file whose damaged EXIF data is left out."""

    def _open(self) -> None:
        try:
            super()._open()
        except Exception:
            self.fp.seek(0)
            # Under another type, decoders skip the item; its orientation is not that of the pixels.
            self.fp = io.BytesIO(self.fp.read().replace(b"Exif", b"none", 1))
            super()._open()


@functools.cache
def _readers() -> dict[str, tuple[Callable, Callable]]:
    """Returns the factory of a picture, and the test of its first 16 bytes, for each format."""
    Image.init()
    readers = {name: Image.OPEN[name] for name in FORMATS}
    # Pillow's own factory of JPEG files also looks for the second shot in photographs of phones.
    own = {"JPEG": JpegImagePlugin.JpegImageFile, "PNG": _Png, "TIFF": _Tiff, "AVIF": _Avif}
    for name, factory in own.items():
        readers[name] = factory, readers[name][1]
    if HAS_HEIF:
        import pillow_heif

        pillow_heif.register_heif_opener()
        readers["HEIF"] = Image.OPEN["HEIF"]
    return readers


MAX_PNG_BYTES = 2**30
"""Larger PNG files are refused; 2**26 pixels of 64 bits take half of it without compression."""

_ANIMATION = (b"fcTL", b"fdAT")  # With these left out, the first frame is the whole picture.


def _readable_chunks(stream: BinaryIO) -> tuple[BinaryIO, bool]:
    """Copies a PNG file without the metadata that Pillow cannot read.

    Metadata is every chunk that Pillow may skip, but for transparency. A chunk is left out if its
    checksum is wrong or its handler in Pillow raises an error, for example because it unpacks to
    more than `PngImagePlugin.MAX_TEXT_CHUNK` bytes.

    Returns:
      The file, and whether a colour profile is left out.
    """
    if stream.seek(0, io.SEEK_END) > MAX_PNG_BYTES:
        raise ValueError(f"more than {MAX_PNG_BYTES} bytes")
    stream.seek(0)
    parts, has_bad_profile = [stream.read(8)], False
    with PngImagePlugin.PngStream(io.BytesIO()) as handlers:
        while len(head := stream.read(8)) == 8:
            kind, body = head[4:], stream.read(struct.unpack(">I", head[:4])[0] + 4)
            # The first letter is small if a chunk may be skipped.
            if not kind[:1].islower() or kind == b"tRNS" or _is_readable(handlers, kind, body):
                parts += head, body
            elif kind == b"iCCP":
                has_bad_profile = True
            if kind == b"IEND":
                break
    return io.BytesIO(b"".join(parts)), has_bad_profile


def _is_readable(handlers: PngImagePlugin.PngStream, kind: bytes, body: bytes) -> bool:
    """Returns whether Pillow can read a chunk of metadata."""
    data, checksum = body[:-4], body[-4:]
    if kind in _ANIMATION or struct.pack(">I", zlib.crc32(kind + data)) != checksum:
        return False
    if not hasattr(handlers, f"chunk_{kind.decode('latin-1')}"):
        return False
    handlers.fp = io.BytesIO(data)
    try:
        handlers.call(kind, 0, len(data))
    except Exception:
        return False
    return True


MAX_PAGES = 1000
"""More pages of a file are not counted."""

_KIND_OF_PAGE, _SMALLER_COPY = 254, 1  # tag NewSubfileType, TIFF 6.0, section 8


def count_pages(picture: Image.Image) -> int:
    """Returns the number of pages of a TIFF file or frames of an animation, at most `MAX_PAGES`.

    Smaller copies of the first page, as in files for maps, and pages behind damage do not count.
    """
    if not isinstance(picture, _Tiff):
        with contextlib.suppress(Exception):
            return min(getattr(picture, "n_frames", 1), MAX_PAGES)
        return 1
    count = 1
    with contextlib.suppress(Exception):  # EOFError after the last page
        for page in range(1, MAX_PAGES):
            picture.seek(page)
            count += not picture.tag_v2.get(_KIND_OF_PAGE, 0) & _SMALLER_COPY
    return count
