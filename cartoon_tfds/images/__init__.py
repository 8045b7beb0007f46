"""The one safe reader of pictures, and the writer of PNG files."""

from cartoon_tfds.images.channels import Picture
from cartoon_tfds.images.reader import (
    MAX_PIXELS,
    MIN_SIDE,
    PICTURE_SUFFIXES,
    ImageError,
    encode_png,
    read_image,
    read_picture,
    write_png,
)

__all__ = [
    "MAX_PIXELS",
    "MIN_SIDE",
    "PICTURE_SUFFIXES",
    "ImageError",
    "Picture",
    "encode_png",
    "read_image",
    "read_picture",
    "write_png",
]
