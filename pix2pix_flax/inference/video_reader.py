"""Videos as batches of upright RGB frames, with their timestamps and their audio packets.

A video is untrusted input: only the named local file is opened, by a short list of containers that
refer to no other file (no playlists, no concatenation scripts).
"""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import av.video.reformatter as reformatter
import numpy as np

from pix2pix_flax.inference.orientation import display_matrix, turn
from pix2pix_flax.inference.video_info import UNSPECIFIED, VideoError, describe

MAX_PIXELS = 2**26
"""Larger frames are refused: about twice 8K, 200 MB as RGB."""

_CONTAINERS = "mov,matroska,avi,mpegts,mpeg,flv,ogg"
# Without exact rounding and full chroma every pass would darken the picture by one level.
_TO_RGB = (
    reformatter.Interpolation.BILINEAR
    | reformatter.Interpolation.ACCURATE_RND
    | reformatter.Interpolation.FULL_CHR_H_INT
)


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


class VideoReader:
    """Reads one video file once, from its start to its end.

    Attributes:
      info: See `video_info.VideoInfo`.
      audio_streams: The source's audio streams.
      total_frames: As the container promises, or None.
    """

    def __init__(self, path: str | Path):
        """Opens the file and decodes its first frame.

        Raises:
          VideoError: No such file, not a video of a permitted container, or nothing to decode.
        """
        self._path = Path(path)
        self._container = _open(self._path)
        try:
            self._video = _video_stream(self._container, self._path)
            self.audio_streams = list(self._container.streams.audio)
            self.total_frames = self._video.frames or None
            self._reformatter = reformatter.VideoReformatter()
            self._audio: list[av.Packet] = []
            self._packets = self._decoded = 0
            self._fault: str | None = None
            self._end: int | None = None
            self._frames = self._decode()
            self._first = next(self._frames, None)
            if self._first is None:
                raise VideoError(f"{path}: no frame can be decoded ({self._fault or 'none found'})")
            self._matrix = display_matrix(self._first)
            self.info = describe(self._video, self._first, self._matrix)
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields every frame in batches of one shape.

        Args:
          size: Frames in a batch, B.
        """
        batch = self._new_batch(size)
        frame: av.VideoFrame | None = self._first
        while frame is not None:
            if len(batch.pts) == size:
                yield self._finish(batch)
                batch = self._new_batch(size)
            self._append(batch, frame)
            frame = next(self._frames, None)
        yield self._finish(batch)

    def damage(self) -> str | None:
        """Returns what is wrong with the file, once all was read, or None.

        A truncated file is silent while it is read: packets just end. It shows only in the promise
        that its header made. Frames that an edit list hides are promised too, so that both the
        count and the time have to fall short.
        """
        counts = f"{self._decoded} of {self.total_frames or 'an unknown number of'} frames"
        if self._fault:
            return f"damaged: {counts} could be read ({self._fault})"
        missing = self._missing_seconds()
        if self.total_frames:
            short = self._packets < self.total_frames and missing > 0.5 / float(self._rate())
        else:
            short = missing > 0.5
        return f"truncated: {counts} could be read, {missing:.1f} s are missing" if short else None

    def _decode(self) -> Iterator[av.VideoFrame]:
        try:
            for packet in self._container.demux(self._video, *self.audio_streams):
                if packet.stream is self._video:
                    yield from self._decode_packet(packet)
                elif packet.size:
                    self._audio.append(packet)
        except av.FFmpegError as error:
            self._fault = error.strerror
            yield from self._video.decode(None)

    def _decode_packet(self, packet: av.Packet) -> list[av.VideoFrame]:
        self._packets += bool(packet.size)
        try:
            return packet.decode()
        except av.FFmpegError as error:
            # The frames that follow may be whole: go on, and tell at the end.
            self._fault = self._fault or error.strerror
            return []

    def _new_batch(self, size: int) -> Batch:
        return Batch(np.empty((size, self.info.height, self.info.width, 3), np.uint8))

    def _append(self, batch: Batch, frame: av.VideoFrame) -> None:
        batch.frames[len(batch.pts)] = turn(self._to_rgb(frame), self._matrix)
        step = frame.duration or max(1, round(1 / (self._rate() * self.info.time_base)))
        pts = frame.pts
        if self._end is not None:
            # Some containers leave timestamps out or repeat them; no frame is dropped for that.
            pts = self._end if pts is None else max(pts, self._last_pts + 1)
        self._last_pts = pts or 0
        self._end = self._last_pts + step
        self._decoded += 1
        batch.pts.append(self._last_pts)
        batch.durations.append(step)

    def _finish(self, batch: Batch) -> Batch:
        if batch.pts:
            batch.frames[len(batch.pts) :] = batch.frames[len(batch.pts) - 1]
        batch.audio, self._audio = self._audio, []
        return batch

    def _to_rgb(self, frame: av.VideoFrame) -> np.ndarray:
        if frame.colorspace == UNSPECIFIED:
            frame.colorspace = self.info.colour[0]
        rgb = self._reformatter.reformat(
            frame,
            width=self._first.width,  # Frames may change their size midway.
            height=self._first.height,
            format="rgb24",
            interpolation=int(_TO_RGB),
        )
        return rgb.to_ndarray()

    def _rate(self) -> Fraction:
        return self.info.rate or Fraction(25)

    def _missing_seconds(self) -> float:
        stream = self._video
        if self.total_frames and stream.duration:
            promised = float(((stream.start_time or 0) + stream.duration) * stream.time_base)
        else:
            # Matroska's tag. Without it FFmpeg reports the longest stream, which may be audio.
            promised = _seconds(stream.metadata.get("DURATION", ""))
        return promised - float(self._end * self.info.time_base)


def _open(path: Path) -> av.container.InputContainer:
    if not path.is_file():
        raise VideoError(f"{path}: no such file")
    options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
    try:
        # An absolute path cannot be taken for an address such as 'concat:...'.
        return av.open(str(path.absolute()), "r", container_options=options)
    except (av.FFmpegError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VideoError(f"{path}: not a video that can be read ({reason})") from error


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    covers = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & covers]
    if not streams:
        raise VideoError(f"{path}: has no video stream")
    stream = streams[0]
    if stream.width * stream.height > MAX_PIXELS:
        raise VideoError(f"{path}: frames of {stream.width}x{stream.height} are too large")
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    stream.thread_type = "AUTO"
    return stream


def _seconds(clock: str) -> float:
    """Returns '00:01:02.5' in seconds, 0 for anything else."""
    try:
        hours, minutes, seconds = clock.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return 0.0
