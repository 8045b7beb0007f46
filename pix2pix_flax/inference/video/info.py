"""What is known of a video besides its pictures, and the error that speaks of one."""

import dataclasses
import re
from fractions import Fraction

import av
import numpy as np

# ITU-T H.273 codes; the matrices are those that swscale knows.
UNSPECIFIED = 2
_LIMITED_RANGE, _FULL_RANGE = 1, 2
_BT709, _BT601 = 1, 6
_MATRICES = (1, 4, 5, 6, 7, 9)
_CLOCK = re.compile(r"(?:(?:([0-9]+):)?([0-9]+):)?([0-9]+\.?[0-9]*|\.[0-9]+)")


class VideoError(ValueError):
    """A video that cannot be read or written; its message is one line that names the file."""


@dataclasses.dataclass(frozen=True)
class VideoInfo:
    """What a copy has to share with its source, besides the pictures.

    Attributes:
      height: Of the upright frames, pixels.
      width: Of the upright frames, pixels.
      time_base: Seconds of one tick of the timestamps.
      rate: Mean frames per second, or None where the container does not say.
      colour: H.273 codes (matrix, range, primaries, transfer); the first two always specified.
      pixel_aspect: Width over height of one upright pixel.
    """

    height: int
    width: int
    time_base: Fraction
    rate: Fraction | None
    colour: tuple[int, int, int, int]
    pixel_aspect: Fraction


def to_seconds(time: str | float) -> Fraction | None:
    """Returns the seconds of a time such as 2.5, '1:02.5' or '00:01:02.5', or None."""
    found = _CLOCK.fullmatch(str(time))
    if not found:
        return None
    hours, minutes, seconds = (Fraction(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def describe(
    stream: av.VideoStream,
    frame: av.VideoFrame,
    matrix: np.ndarray,
    max_height: int | None = None,
) -> VideoInfo:
    """Returns what a copy needs to know.

    Args:
      stream: Of the source.
      frame: Its first frame.
      matrix: The display matrix of that frame.
      max_height: Upright frames that are higher get smaller, at least 2 pixels high.
    """
    height, width = frame.height, frame.width
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if is_transposed(matrix):
        height, width, aspect = width, height, 1 / aspect
    if max_height is not None and height > max_height:
        even = max_height // 2 * 2
        height, width = even, max(2, 2 * round(width * even / height / 2))
    return VideoInfo(
        height, width, stream.time_base, stream.average_rate or None, _colour(frame), aspect
    )


def _colour(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    matrix = frame.colorspace
    if frame.format.is_rgb or matrix not in _MATRICES:
        # Players decide by the size as well where a file does not say.
        matrix = _BT709 if frame.width >= 1280 or frame.height > 576 else _BT601
    full = frame.color_range == _FULL_RANGE and not frame.format.is_rgb
    colour_range = _FULL_RANGE if full else _LIMITED_RANGE
    return matrix, colour_range, frame.color_primaries, frame.color_trc


@dataclasses.dataclass
class Batch:
    """Consecutive frames, and the audio packets that were found on the way.

    Attributes:
      frames: uint8 [B, H, W, 3] RGB; the rows from `len(pts)` on repeat the last frame.
      pts: Timestamp of each real frame, in ticks, strictly increasing.
      durations: Of each real frame, in ticks.
      audio: Packets in file order, still tied to the source's streams.
    """

    frames: np.ndarray
    pts: list[int] = dataclasses.field(default_factory=list)
    durations: list[int] = dataclasses.field(default_factory=list)
    audio: list[av.Packet] = dataclasses.field(default_factory=list)


def display_matrix(frame: av.VideoFrame) -> np.ndarray:
    """Returns [[a, b], [c, d]]: a pixel (x, y) is shown at (ax + cy, bx + dy).

    Telephones store frames as the sensor sees them, beside this matrix, which players apply. It is
    the identity where a file holds none.
    """
    try:
        data = frame.side_data["DISPLAYMATRIX"]
    except KeyError:
        return np.eye(2)
    return np.frombuffer(data, np.int32).reshape(3, 3)[:2, :2].astype(np.float64)


def is_transposed(matrix: np.ndarray) -> bool:
    """Returns whether the matrix turns height into width; angles are rounded to quarter turns."""
    return bool(abs(matrix[0, 1]) > abs(matrix[0, 0]))


def turn(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Returns a view of an image [H, W, C], turned by quarters and mirrored as the matrix asks."""
    if is_transposed(matrix):
        image, flip_x, flip_y = image.swapaxes(0, 1), matrix[1, 0] < 0, matrix[0, 1] < 0
    else:
        flip_x, flip_y = matrix[0, 0] < 0, matrix[1, 1] < 0
    return image[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
