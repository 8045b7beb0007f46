"""Properties of a video besides its frames, and the error class for videos."""

import dataclasses
import re
from fractions import Fraction

import av
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.inference.video.hdr import needs_conversion

# ITU-T H.273 codes; swscale supports the matrices of _MATRICES.
UNSPECIFIED = 2
_LIMITED_RANGE, _FULL_RANGE = 1, 2
_BT709, _BT601, _BT2020 = 1, 6, 9
_MATRICES = (1, 4, 5, 6, 7, 9)
_CLOCK = re.compile(r"(?:(?:([0-9]+):)?([0-9]+):)?([0-9]+\.?[0-9]*|\.[0-9]+)")


class VideoError(UserError):
    """A video cannot be read or written; the message is one line that names the file."""


class UnknownContainerError(VideoError):
    """FFmpeg finds no container of pictures or sound in a file."""


@dataclasses.dataclass(frozen=True)
class VideoInfo:
    """Properties that a translated video shares with its source.

    Attributes:
      height: height of the upright frames in pixels.
      width: width of the upright frames in pixels.
      time_base: seconds per tick of the timestamps.
      rate: mean frames per second; None if the container does not say.
      colour: H.273 codes (matrix, range, primaries, transfer) of the result; matrix and range are
        never unspecified. HDR and BT.2020 become BT.709.
      pixel_aspect: width of one upright pixel divided by its height.
    """

    height: int
    width: int
    time_base: Fraction
    rate: Fraction | None
    colour: tuple[int, int, int, int]
    pixel_aspect: Fraction


def to_seconds(time: str | float) -> Fraction | None:
    """Parses a time, e.g. 2.5, '1:02.5' or '00:01:02.5', to seconds; None if it is no time."""
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
    """Returns the properties that a translated video takes from its source.

    Args:
      stream: the video stream of the source.
      frame: its first frame.
      matrix: the display matrix of the first frame.
      max_height: higher upright frames are scaled down to this height, rounded down to an even
        number; at least 2. None for no limit.
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


def matrix_of(frame: av.VideoFrame) -> int:
    """Returns the H.273 code of a frame's matrix; if the file does not say it, the usual one."""
    if not frame.format.is_rgb and frame.colorspace in _MATRICES:
        return frame.colorspace
    if needs_conversion(frame):
        return _BT2020
    # Players choose the matrix by the size as well if the file does not say.
    return _BT709 if frame.width >= 1280 or frame.height > 576 else _BT601


def _colour(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    if needs_conversion(frame):
        return _BT709, _LIMITED_RANGE, _BT709, _BT709
    matrix = matrix_of(frame)
    full = frame.color_range == _FULL_RANGE and not frame.format.is_rgb
    colour_range = _FULL_RANGE if full else _LIMITED_RANGE
    return matrix, colour_range, frame.color_primaries, frame.color_trc


@dataclasses.dataclass
class Batch:
    """Consecutive frames, and the audio packets that were read with them.

    Attributes:
      frames: uint8 RGB [B, H, W, 3]; from index `len(pts)` on, frames only fill the batch: they
        repeat the last real frame.
      pts: timestamp of each real frame in ticks, strictly increasing.
      durations: duration of each real frame in ticks.
      audio: audio packets in file order, still tied to the source's streams.
    """

    frames: np.ndarray
    pts: list[int] = dataclasses.field(default_factory=list)
    durations: list[int] = dataclasses.field(default_factory=list)
    audio: list[av.Packet] = dataclasses.field(default_factory=list)


def display_matrix(frame: av.VideoFrame) -> np.ndarray:
    """Returns [[a, b], [c, d]]: a pixel (x, y) is displayed at (ax + cy, bx + dy).

    Phones store frames in the orientation of the sensor, with this matrix, which players apply. If
    the file holds no matrix, the result is the identity.
    """
    try:
        data = frame.side_data["DISPLAYMATRIX"]
    except KeyError:
        return np.eye(2)
    return np.frombuffer(data, np.int32).reshape(3, 3)[:2, :2].astype(np.float64)


def is_transposed(matrix: np.ndarray) -> bool:
    """Returns whether the matrix swaps height and width; angles are rounded to quarter turns."""
    return bool(abs(matrix[0, 1]) > abs(matrix[0, 0]))


def turn(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Returns a view of an image [H, W, C], turned by quarter turns and mirrored by the matrix."""
    if is_transposed(matrix):
        image, flip_x, flip_y = image.swapaxes(0, 1), matrix[1, 0] < 0, matrix[0, 1] < 0
    else:
        flip_x, flip_y = matrix[0, 0] < 0, matrix[1, 1] < 0
    return image[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
