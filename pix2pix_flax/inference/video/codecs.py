"""The codecs for translated videos, with their encoders in PyAV's FFmpeg (on the CPU)."""

import dataclasses
from collections.abc import Mapping

from pix2pix_flax.inference.video.info import VideoError

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower")
"""Names of the encoder presets, as in x264 and x265, from the fastest to the smallest files."""


@dataclasses.dataclass(frozen=True)
class Codec:
    """An encoder and its settings.

    Attributes:
      encoder: FFmpeg's name of the encoder.
      crf: default constant rate factor, at which the result looks like the original.
      crf_range: constant rate factor for the best quality, and for the smallest file.
      presets: the encoder's name for each of `PRESETS`.
      options: FFmpeg options that are always set.
      suffixes: file suffixes of the containers that can hold the codec.
      tag: codec tag in MP4 and MOV files, if some players require it.
    """

    encoder: str
    crf: int
    crf_range: tuple[int, int]
    presets: Mapping[str, str]
    options: Mapping[str, str]
    suffixes: tuple[str, ...] = (".mp4", ".mkv", ".mov")
    tag: str | None = None

    def settings(self, crf: int | None, preset: str) -> dict[str, str]:
        """Returns FFmpeg's options for a quality and a speed.

        Args:
          crf: constant rate factor within `crf_range`; None for the default.
          preset: one of `PRESETS`.

        Raises:
          VideoError: `crf` is out of its range, or `preset` is unknown.
        """
        crf, (best, smallest) = self.crf if crf is None else crf, self.crf_range
        if not best <= crf <= smallest:
            raise VideoError(f"crf is {crf}: {self.encoder} takes {best} (best) to {smallest}")
        if preset not in self.presets:
            raise VideoError(f"preset is {preset!r}, it has to be one of {', '.join(PRESETS)}")
        return {"crf": str(crf), "preset": self.presets[preset], **self.options}


_SAME_NAMES = {name: name for name in PRESETS}
# SVT-AV1's presets 9 to 2; from 10 on it warns of artifacts.
_NUMBERS = {name: str(9 - place) for place, name in enumerate(PRESETS)}

# Without B-frames (bf) the decoding order, from which MP4 derives durations, is the display order.
# AV1 does not need this: a frame that is decoded early is stored in the packet of a shown frame.
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
