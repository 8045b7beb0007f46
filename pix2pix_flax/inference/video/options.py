"""Options of `translate_video`."""

import dataclasses
from fractions import Fraction

from pix2pix_flax.inference.video.audio import AUDIO_MODES
from pix2pix_flax.inference.video.codecs import CODECS
from pix2pix_flax.inference.video.info import VideoError, to_seconds


@dataclasses.dataclass(frozen=True)
class VideoOptions:
    """The part of a video to translate, and the encoding of the result.

    Attributes:
      batch_size: number of frames per call of the network, at least 1.
      start: start of the part, in seconds or 'HH:MM:SS.s' after the first frame.
      duration: length of the part, in seconds or 'HH:MM:SS.s'; None for all frames from the start.
      max_height: higher upright frames are scaled down to this height before translation, with even
        sides and the same aspect ratio; at least 2. None for no limit.
      side_by_side: whether the source is shown left of the result, scaled if the sizes differ.
      codec: one of `CODECS`.
      crf: constant rate factor; a smaller one gives better quality and a larger file. None for the
        codec's default, at which the result looks like the original.
      preset: one of `PRESETS`; slower presets make smaller files.
      audio: one of `AUDIO_MODES`.
      overwrite: whether an existing destination is replaced.
      progress: whether to show a progress bar with frames per second on standard error.

    Raises:
      VideoError: a value is out of its range; the message is one line.
    """

    batch_size: int = 4
    start: str | float = 0
    duration: str | float | None = None
    max_height: int | None = None
    side_by_side: bool = False
    codec: str = "h264"
    crf: int | None = None
    preset: str = "veryfast"
    audio: str = "copy"
    overwrite: bool = False
    progress: bool = True

    def __post_init__(self):
        if self.codec not in CODECS:
            raise VideoError(f"codec is {self.codec!r}, it has to be one of {', '.join(CODECS)}")
        if self.audio not in AUDIO_MODES:
            modes = ", ".join(AUDIO_MODES)
            raise VideoError(f"audio is {self.audio!r}, it has to be one of {modes}")
        for name, least in (("batch_size", 1), ("max_height", 2)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise VideoError(f"{name} is {value}, it has to be {least} or more")
        CODECS[self.codec].settings(self.crf, self.preset)
        for name in ("start", "duration"):
            self._seconds(name)

    @property
    def start_seconds(self) -> Fraction:
        """The start in seconds after the first frame."""
        return self._seconds("start")

    @property
    def duration_seconds(self) -> Fraction | None:
        """The length of the part in seconds, or None for all the rest."""
        return self._seconds("duration")

    def _seconds(self, name: str) -> Fraction | None:
        time = getattr(self, name)
        seconds = to_seconds(time)
        if seconds is None and (time is not None or name == "start"):
            raise VideoError(f"{name} is {time!r}, it has to be seconds or HH:MM:SS.s")
        return seconds
