"""The one safe reader of pictures, and their writers."""

from cartoon_tfds.images.channels import Picture, eight_bits
from cartoon_tfds.images.left_out import (
    PICTURE_SUFFIXES,
    UNREAD_SUFFIXES,
    further_pages,
    passed_over,
    some,
)
from cartoon_tfds.images.png import encode_png, write_png
from cartoon_tfds.images.reader import (
    MAX_PIXELS,
    MIN_SIDE,
    ImageError,
    pages_of,
    read_image,
    read_picture,
)
from cartoon_tfds.images.resizing import resize
from cartoon_tfds.images.walk import list_files
from cartoon_tfds.images.writer import WRITABLE_SUFFIXES, encode_picture, write_picture

__all__ = [
    "MAX_PIXELS",
    "MIN_SIDE",
    "PICTURE_SUFFIXES",
    "UNREAD_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "ImageError",
    "Picture",
    "eight_bits",
    "encode_picture",
    "encode_png",
    "further_pages",
    "list_files",
    "pages_of",
    "passed_over",
    "read_image",
    "read_picture",
    "resize",
    "some",
    "write_picture",
    "write_png",
]
