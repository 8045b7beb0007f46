"""The one safe reader of pictures, and the writer of PNG files."""

from cartoon_tfds.images.channels import Picture
from cartoon_tfds.images.png import encode_png, write_png
from cartoon_tfds.images.reader import (
    MAX_PIXELS,
    MIN_SIDE,
    PICTURE_SUFFIXES,
    ImageError,
    read_image,
    read_picture,
)
from cartoon_tfds.images.resizing import resize

__all__ = [
    "MAX_PIXELS",
    "MIN_SIDE",
    "PICTURE_SUFFIXES",
    "ImageError",
    "Picture",
    "encode_png",
    "read_image",
    "read_picture",
    "resize",
    "write_png",
]
