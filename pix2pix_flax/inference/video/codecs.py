"""What videos can be encoded as: the encoders of PyAV's FFmpeg, on the CPU."""

import dataclasses
import os
from collections.abc import Mapping

from pix2pix_flax.inference.video.info import VideoError

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower")
"""From the quickest to the one with the smallest files, by the names of x264 and x265."""

# SVT-AV1 prints its settings, and listens to this alone: only errors.
os.environ.setdefault("SVT_LOG", "1")


@dataclasses.dataclass(frozen=True)
class Codec:
    """An encoder, and what it has to be told.

    Attributes:
      encoder: FFmpeg's name of it.
      crf: The constant rate factor by default, at which the result looks like the original.
      crf_range: The best and the smallest.
      presets: What it calls each of `PRESETS`.
      options: What it is told besides.
      suffixes: Of the containers that hold it.
      tag: What MP4 and MOV call it, where players are particular about that.
    """

    encoder: str
    crf: int
    crf_range: tuple[int, int]
    presets: Mapping[str, str]
    options: Mapping[str, str]
    suffixes: tuple[str, ...] = (".mp4", ".mkv", ".mov")
    tag: str | None = None

    def settings(self, crf: int | None, preset: str) -> dict[str, str]:
        """Returns FFmpeg's options.

        Args:
          crf: Within `crf_range`, or None for `crf`.
          preset: One of `PRESETS`.

        Raises:
          VideoError: They are none of these.
        """
        crf, (best, smallest) = self.crf if crf is None else crf, self.crf_range
        if not best <= crf <= smallest:
            raise VideoError(f"crf is {crf}: {self.encoder} takes {best} (best) to {smallest}")
        if preset not in self.presets:
            raise VideoError(f"preset is {preset!r}, it has to be one of {', '.join(PRESETS)}")
        return {"crf": str(crf), "preset": self.presets[preset], **self.options}


_SAME_NAMES = {name: name for name in PRESETS}
# From 10 on SVT-AV1 warns of artifacts.
_NUMBERS = {name: str(9 - place) for place, name in enumerate(PRESETS)}

# Without B-frames decoding order is display order: MP4 derives durations from the former. AV1 has
# no such order: what is decoded early lies in the packet of a frame that is shown.
CODECS: Mapping[str, Codec] = {
    "h264": Codec("libx264", 18, (0, 51), _SAME_NAMES, {"bf": "0"}),
    "h265": Codec(
        "libx265",
        20,
        (0, 51),
        _SAME_NAMES,
        {"bf": "0", "x265-params": "log-level=error"},
        tag="hvc1",  # Apple's players refuse 'hev1'.
    ),
    "av1": Codec("libsvtav1", 22, (1, 63), _NUMBERS, {}, suffixes=(".mp4", ".mkv")),
}
