"""Pictures and clips as data URIs, within a number of bytes."""

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

_QUALITY = 82  # of WebP
_WIDEST = 1200  # pixels
_NARROWEST = 300  # pixels to which pictures are shrunk for a number of bytes
_SMALL = 192  # images below this width are enlarged, by whole numbers
_MOST = 48  # pictures of one strip


def data_uri(content: bytes, kind: str) -> str:
    """Returns a file as an address that holds the whole file.

    Args:
      content: the bytes of the file.
      kind: its media type, such as `video/mp4`.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def encode(picture: np.ndarray, widest: int = _WIDEST) -> bytes:
    """Returns a picture as WebP.

    Args:
      picture: uint8 [H, W, 3]. Narrower pictures than 192 pixels are enlarged without smoothing, so
        that their pixels are seen.
      widest: the width in pixels to which wider pictures are shrunk.
    """
    height, width = picture.shape[:2]
    if width > widest:
        size = widest, max(1, round(height * widest / width))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    factor = -(-_SMALL // width)
    picture = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", quality=_QUALITY)
    return file.getvalue()


def encode_within(budget: int, pictures: Sequence[np.ndarray]) -> list[bytes]:
    """Returns pictures as WebP; all are shrunk further if they have too many bytes together.

    Args:
      budget: largest number of bytes of all pictures together, which many pictures can exceed,
        because none is shrunk below 300 pixels.
      pictures: uint8 [H, W, 3] each.
    """
    widest = _WIDEST
    while True:
        found = [encode(picture, widest) for picture in pictures]
        if sum(map(len, found)) <= budget or widest <= _NARROWEST:
            return found
        widest //= 2


def choose(
    paths: Sequence[Path], budget: int, read: Callable[[Path], np.ndarray]
) -> dict[Path, bytes]:
    """Returns pictures as WebP, as many as fit into a number of bytes, in the given order.

    At most 48 pictures are taken, spread evenly from the first to the last. If they have too many
    bytes, half of them are taken, and so on; the last one is always taken.

    Args:
      paths: the files of the pictures.
      budget: largest number of bytes of all pictures together.
      read: returns the picture of a file, uint8 [H, W, 3]; its errors are passed on.
    """
    known: dict[Path, bytes] = {}
    count = min(_MOST, len(paths))
    while True:
        places = np.linspace(len(paths) - 1, 0, count).round().astype(int)[::-1]
        found: dict[Path, bytes] = {}
        for path in (paths[place] for place in places):
            known.setdefault(path, b"")
            known[path] = found[path] = known[path] or encode(read(path))
        if count <= 1 or sum(map(len, found.values())) <= budget:
            return found
        count //= 2
