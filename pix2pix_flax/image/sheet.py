"""Sheets of images, side by side, below one another or in a grid, and legends of palettes."""

import itertools
import math
from collections.abc import Sequence

import cv2
import numpy as np

_GAP = 4  # pixels between images side by side or below one another
_GRID_GAP = 2  # pixels between the images of a grid
_LINE = 20  # height of a line of text at scale 1, in pixels
_LEGEND_CELL = (_LINE, 110)  # height and least width of a colour with its name
_INDENT = 2  # pixels before a text at scale 1
_FONT = {"fontFace": cv2.FONT_HERSHEY_SIMPLEX, "lineType": cv2.LINE_AA}
_COLUMN = 400  # a caption is as many times larger as its column is wider than this


def grid(images: np.ndarray, columns: int = 0) -> np.ndarray:
    """Arranges images uint8 [N, H, W, 3] in a grid on white, uint8 [H', W', 3].

    Args:
      images: images in the order of reading, from left to right and from top to bottom.
      columns: number of images in a row; 0 for a square grid, or one more column than rows.
    """
    columns = min(columns or math.ceil(math.sqrt(len(images))), len(images))
    rows = math.ceil(len(images) / columns)
    height, width = (side + _GRID_GAP for side in images.shape[1:3])
    sheet = np.full((rows * height - _GRID_GAP, columns * width - _GRID_GAP, 3), 255, np.uint8)
    for place, image in enumerate(images):
        top, left = place // columns * height, place % columns * width
        sheet[top : top + height - _GRID_GAP, left : left + width - _GRID_GAP] = image
    return sheet


def beside(images: list[np.ndarray], gap: int = _GAP) -> np.ndarray:
    """Returns images uint8 [..., h, w, 3] side by side on white, uint8 [..., h, W, 3]."""
    white = np.full_like(images[0][..., :gap, :], 255)
    first, *others = images
    return np.concatenate([first, *(part for image in others for part in (white, image))], axis=-2)


def stack(rows: list[np.ndarray]) -> np.ndarray:
    """Returns images uint8 [h, w, 3] below one another on white, uint8 [H, W, 3]."""
    width = max(row.shape[1] for row in rows)
    margins = [((0, _GAP), (0, width - row.shape[1]), (0, 0)) for row in rows]
    padded = zip(rows, margins, strict=True)
    return np.concatenate([np.pad(row, margin, constant_values=255) for row, margin in padded])


def draw_legend(colours: dict[str, tuple[int, int, int]], width: int) -> np.ndarray:
    """Returns a legend, uint8 [H, width, 3]: squares in the colours and their names, on white.

    Args:
      colours: RGB by name; a name that is too long for the width is cut.
      width: width of the legend in pixels.
    """
    columns = max(1, width // _LEGEND_CELL[1])
    height, cell = _LEGEND_CELL[0], width // columns
    rows = -(-len(colours) // columns)
    picture = np.full((rows * height, width, 3), 255, np.uint8)
    for place, (name, colour) in enumerate(colours.items()):
        top, left = place // columns * height, place % columns * cell
        picture[top + 2 : top + height - 2, left : left + height - 4] = colour
        picture[top : top + height, left + height : left + cell] = _text(name, cell - height)
    return picture


def panel(rows: list[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    """Returns rows of equally wide columns below one another, under captions, uint8 [H, W, 3].

    Args:
      rows: images uint8 [h, w, 3], each as `beside` makes it. A row of another width than the row
        above it has captions of its own.
      captions: names of the columns, from left to right; where they do not fit above narrow
        columns, they stand below one another, with the numbers of the columns.
    """
    parts: list[np.ndarray] = []
    for row in rows:
        if not parts or parts[-1].shape[1] != row.shape[1]:
            parts.append(_draw_captions(captions, row.shape[1]))
        parts.append(row)
    return stack(parts)


def places(
    rows: list[np.ndarray], captions: Sequence[str]
) -> list[list[tuple[int, int, int, int]]]:
    """Returns where the images of `panel` lie, by row and column.

    Args:
      rows: the rows of the panel, uint8 [h, w, 3].
      captions: the names of its columns.

    Returns:
      The left, top, right and bottom edges of each image, in pixels of the panel.
    """
    found, top, width = [], 0, None
    for row in rows:
        if row.shape[1] != width:
            width = row.shape[1]
            top += _draw_captions(captions, width).shape[0] + _GAP
        bottom = top + row.shape[0]
        edges = _edges(width, len(captions))
        found.append([(left, top, right, bottom) for left, right in edges])
        top = bottom + _GAP
    return found


def _edges(width: int, columns: int) -> list[tuple[int, int]]:
    """Returns the left and right edges of equally wide images that `beside` has joined."""
    lefts = [place * (width + _GAP) // columns for place in range(columns + 1)]
    return [(left, following - _GAP) for left, following in itertools.pairwise(lefts)]


def _draw_captions(captions: Sequence[str], width: int) -> np.ndarray:
    """Returns names at the left edges of their columns or, if cut, in lines: [h, width, 3]."""
    lefts = [left for left, _ in _edges(width, len(captions))]
    cells = [right - left for left, right in itertools.pairwise([*lefts, width])]
    scale = max(1, cells[0] // _COLUMN)
    if any(_width(name, scale) > cell for name, cell in zip(captions, cells, strict=True)):
        numbered = [f"{number} {name}" for number, name in enumerate(captions, 1)]
        return np.concatenate([_text(name, width, scale) for name in numbered])
    texts = [_text(name, cell, scale) for name, cell in zip(captions, cells, strict=True)]
    return np.concatenate(texts, axis=1)


def _text(text: str, width: int, scale: int = 1) -> np.ndarray:
    """Returns black text on white, uint8 [_LINE * scale, width, 3], cut at the right."""
    line = np.full((_LINE * scale, max(0, width), 3), 255, np.uint8)
    place = _INDENT * scale, (_LINE - 6) * scale
    cv2.putText(line, text, place, color=(0, 0, 0), **_size(scale), **_FONT)
    return line


def _width(text: str, scale: int) -> int:
    """Returns the width of a text with its indent, in pixels."""
    (width, _), _ = cv2.getTextSize(text, _FONT["fontFace"], **_size(scale))
    return width + _INDENT * scale


def _size(scale: int) -> dict[str, float]:
    return {"fontScale": 0.4 * scale, "thickness": scale}
