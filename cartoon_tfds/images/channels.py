"""Decodes a picture file into arrays: colour, transparency, bit depth and ICC profile."""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from cartoon_tfds.images.opening import upright

# Pillow keeps only the high byte of 16-bit colour; with the byte order swapped, the low byte.
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_DEEP_COLOUR = ("RGB;16", "RGBX;16", "RGBA;16")


@dataclasses.dataclass(frozen=True)
class Picture:
    """An upright picture in the bit depth of its file; the first frame of an animation.

    Pillow gives only the high byte of some 16-bit files: CMYK, grey with transparency, colour in
    separate planes, and colour multiplied by its transparency. 16-bit colour in PPM files is read
    as 8 bits.

    Attributes:
      rgb: uint8 or uint16 `[H, W, 3]` in 0..255 or 0..65535, not multiplied by `alpha`.
      alpha: `[H, W]` of the dtype of `rgb`, 0 for invisible pixels; None if the file has no alpha.
      is_grey: whether the file holds levels of grey instead of colours.
      icc_profile: ICC profile of the levels in the file, even if they are CMYK; None for sRGB.
      has_palette: whether the file holds numbers of colours, as label maps do.
      lost_profile: whether the file has an ICC profile that cannot be read.
      pages: number of pages or frames in the file; the picture is the first of them.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    is_grey: bool
    icc_profile: bytes | None
    has_palette: bool = False
    lost_profile: bool = False
    pages: int = 1

    def over_white(self) -> np.ndarray:
        """Returns the picture over white, uint8 `[H, W, 3]`; 16-bit values keep their high byte."""
        rgb = _high_byte(self.rgb)
        if self.alpha is None:
            return rgb
        return np.array(over_white(Image.fromarray(np.dstack([rgb, _high_byte(self.alpha)]))))


def over_white(picture: Image.Image) -> Image.Image:
    """Returns a picture of the mode RGBA over white, in RGB."""
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def decode_channels(open_picture: Callable[[], Image.Image]) -> Picture:
    """Decodes the pixels of a picture, with their transparency, bit depth and ICC profile.

    Args:
      open_picture: opens the file and reads its header, anew at each call; the pixels are decoded
        here. Modes with 32 bits are taken for 16-bit grey.

    Raises:
      Exception: if the file is damaged; decoders raise errors of almost any class.
    """
    picture = open_picture()
    mode, rawmode, profile = picture.mode, _rawmode(picture), picture.info.get("icc_profile")
    if mode.startswith("I"):
        rgb, alpha = _decode_deep_grey(picture), None
    elif ";16" in rawmode:
        rgb, alpha = _decode_deep_colour(picture, open_picture)
    else:
        rgb, alpha = _decode(picture)
    is_grey = mode in ("1", "L") or mode.startswith("I") or rawmode.partition(";")[0] == "LA"
    lost_profile = profile is None and "icc_profile" in picture.info
    return Picture(rgb, alpha, is_grey, profile, mode in ("P", "PA"), lost_profile)


def _rawmode(picture: Image.Image) -> str:
    """Returns Pillow's name for the layout of the pixels in the file, "" if it has none.

    Before the pixels are decoded, the name tells 16-bit colour from 8-bit colour, although Pillow
    keeps 8 bits of both.
    """
    first = _arguments(picture.tile[0])[0] if picture.tile else ""
    return first if isinstance(first, str) else ""


def _arguments(tile: Any) -> tuple:
    return tile.args if isinstance(tile.args, tuple) else (tile.args,)


def _decode_deep_grey(picture: Image.Image) -> np.ndarray:
    grey = np.asarray(upright(picture)).astype(np.uint16)
    return np.repeat(grey[..., np.newaxis], 3, axis=-1)


def _decode_deep_colour(
    picture: Image.Image, open_picture: Callable[[], Image.Image]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Decodes 16-bit colour twice: the high bytes, then the low bytes if Pillow can give them."""
    has_low_bytes = _rawmode(picture).startswith(_DEEP_COLOUR)
    rgb, alpha = low_rgb, low_alpha = _decode(picture)
    if has_low_bytes:
        low = upright(_in_other_order(open_picture()))
        low_rgb = np.asarray(low.convert("RGB"))
        if low.mode == "RGBA":  # Else one colour is fully transparent, without low bytes.
            low_alpha = np.asarray(low.getchannel("A"))
    return _join(rgb, low_rgb), None if alpha is None else _join(alpha, low_alpha)


def _in_other_order(picture: Image.Image) -> Image.Image:
    """Swaps the byte order that Pillow assumes, so that it keeps the low byte of each channel."""

    def swap(rawmode: str, *rest: Any) -> tuple:
        return rawmode[:-1] + _OTHER_ORDER[rawmode[-1]], *rest

    picture.tile = [tile._replace(args=swap(*_arguments(tile))) for tile in picture.tile]
    return picture


def _decode(picture: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns upright colour uint8 `[H, W, 3]`, and alpha uint8 `[H, W]` or None."""
    picture = upright(picture)
    if not picture.has_transparency_data:
        return np.array(picture.convert("RGB")), None
    rgba = np.asarray(picture.convert("RGBA"))
    return rgba[..., :3].copy(), rgba[..., 3].copy()


def _join(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    return high.astype(np.uint16) << 8 | low


def _high_byte(levels: np.ndarray) -> np.ndarray:
    return levels if levels.dtype == np.uint8 else (levels >> 8).astype(np.uint8)


def eight_bits(levels: np.ndarray) -> np.ndarray:
    """Rounds levels of 8 or 16 bits, uint8 or uint16 of any shape, to uint8 in 0..255."""
    if levels.dtype == np.uint8:
        return levels
    return ((levels + np.uint32(128)) // 257).astype(np.uint8)
