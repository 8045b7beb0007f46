"""Converts decoded frames to upright RGB images of one size, in the colours of BT.709 if wider."""

import av
import av.video.reformatter as reformatter
import numpy as np
from PIL import Image

from cartoon_tfds.images.channels import over_white
from pix2pix_flax.inference.video.hdr import ToBT709, needs_conversion
from pix2pix_flax.inference.video.info import (
    UNSPECIFIED,
    VideoInfo,
    display_matrix,
    is_transposed,
    matrix_of,
    turn,
)

# Without exact rounding and full chroma each conversion would darken the frames by one level.
_EXACT = reformatter.Interpolation.ACCURATE_RND | reformatter.Interpolation.FULL_CHR_H_INT
_TO_RGB = reformatter.Interpolation.BILINEAR | _EXACT
_TO_SMALLER_RGB = reformatter.Interpolation.AREA | _EXACT


class Upright:
    """Converts the frames of one video.

    Attributes:
      resized: number of frames with another size or orientation than the first frame.
      toned: number of frames that were converted to BT.709.
      uncovered: number of frames whose transparent parts were laid on white.
    """

    def __init__(self, info: VideoInfo, first: av.VideoFrame):
        """Takes the size and the orientation of the first frame as those of the video.

        Args:
          info: `height` and `width` of the images.
          first: the first frame.
        """
        self.resized = self.toned = self.uncovered = 0
        self._info = info
        self._first = _upright_size(first)
        # One interpolation for all frames, even if they change their size midway.
        self._scaling = _TO_SMALLER_RGB if info.height < self._first[0] else _TO_RGB
        self._reformatter = reformatter.VideoReformatter()
        self._to_bt709 = ToBT709()

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """Returns the image of a frame, uint8 RGB [info.height, info.width, 3].

        A frame of another size than the first one keeps its aspect ratio, between black bars.
        """
        height, width = self._info.height, self._info.width
        size = _upright_size(frame)
        if size == self._first:
            return self._turned(frame, height, width)
        self.resized += 1
        scale = min(height / size[0], width / size[1])
        inner = [max(1, round(scale * side)) for side in size]
        top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
        image = np.zeros((height, width, 3), np.uint8)
        image[top : top + inner[0], left : left + inner[1]] = self._turned(frame, *inner)
        return image

    def _turned(self, frame: av.VideoFrame, height: int, width: int) -> np.ndarray:
        """Returns the upright image, uint8 RGB [height, width, 3]."""
        matrix = display_matrix(frame)
        stored = (width, height) if is_transposed(matrix) else (height, width)
        return turn(self._to_rgb(frame, *stored), matrix)

    def _to_rgb(self, frame: av.VideoFrame, height: int, width: int) -> np.ndarray:
        transfer, primaries = frame.color_trc, frame.color_primaries
        is_wide = needs_conversion(frame)
        if frame.colorspace == UNSPECIFIED:
            frame.colorspace = matrix_of(frame)
        if is_wide:
            self.toned += 1
            frame = self._reformat(frame, height, width, "gbrp16le")
            frame = self._to_bt709(frame, transfer, primaries)
        if any(component.is_alpha for component in frame.format.components):
            return self._on_white(self._reformat(frame, height, width, "rgba").to_ndarray())
        return self._reformat(frame, height, width, "rgb24").to_ndarray()

    def _on_white(self, image: np.ndarray) -> np.ndarray:
        """Returns the RGB of an RGBA image, uint8, with white behind its transparent parts."""
        self.uncovered += int(image[..., 3].min() < 255)
        return np.array(over_white(Image.fromarray(image)))

    def _reformat(self, frame: av.VideoFrame, height: int, width: int, name: str) -> av.VideoFrame:
        return self._reformatter.reformat(
            frame, width=width, height=height, format=name, interpolation=int(self._scaling)
        )


def _upright_size(frame: av.VideoFrame) -> tuple[int, int]:
    """Returns height and width of a frame after its rotation."""
    size = frame.height, frame.width
    return size[::-1] if is_transposed(display_matrix(frame)) else size
