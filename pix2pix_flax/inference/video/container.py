"""Reads the packets of a video file once, from its start or from shortly before a time.

A video is untrusted input: only the given local file is opened, and only container formats that
cannot refer to other files (no playlists, no concatenation scripts).
"""

import contextlib
import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av

from pix2pix_flax.inference.video.deinterlace import Deinterlacer
from pix2pix_flax.inference.video.info import UnknownContainerError, VideoError, to_seconds
from pix2pix_flax.inference.video.streams import choose_streams
from pix2pix_flax.inference.video.timeline import Timeline

_CONTAINERS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf,gif"
_NAMES = "MP4, MOV, MKV, WebM, AVI, WMV, GIF, MPEG, TS, FLV and OGG"
_INDEX_BYTES, _INDEX_SHARE = 100_000, 0.2  # of a file, at most
# Seconds before the wanted time at which to look for a keyframe. Not 0, because audio may be stored
# before the frames that it belongs to.
_MARGINS = (1, 4, 16, 64)


class Shown(NamedTuple):
    """A frame with its display time (`pts`) and its duration, in ticks."""

    frame: av.VideoFrame
    pts: int
    duration: int


class VideoFile:
    """Reads the film, one of the video streams, and collects the audio packets.

    Timestamps go on steadily (see `Timeline`), and interlaced frames are made whole.

    Attributes:
      container: PyAV's container.
      stream: the video stream.
      rate: mean frames per second; 25 if the container does not say.
      audio_streams: all audio streams that FFmpeg knows.
      left_out: one text for each other stream of pictures, sound or subtitles.
      timeline: the clock.
      deinterlacer: counts the interlaced frames.
      first: the first frame; None if no frame can be decoded.
      num_packets: number of video packets read so far.
      fault: the first error from the wanted time on; None without an error.
    """

    def __init__(self, path: Path, wanted: Fraction | None = None, margin: int | None = None):
        """Opens the file and decodes its first frame.

        Args:
          path: a local file.
          wanted: timestamp in ticks; errors before it are ignored.
          margin: reading starts this many seconds before `wanted`, as exactly as the container can
            seek; None for the start of the file.

        Raises:
          VideoError: the file does not exist, or is not a video in a permitted container, or its
            frames are too large.
        """
        self.container = _open(path)
        try:
            self.stream, self.audio_streams, self.left_out = choose_streams(self.container, path)
            self.rate = self.stream.average_rate or Fraction(25)
            self.timeline = Timeline(self.container)
            self.deinterlacer = Deinterlacer()
            self.num_packets = 0
            self.fault: str | None = None
            self._wanted = wanted
            self._newest: int | None = None
            self._end = 0
            self._aside: list[av.Packet] = []
            self._heard = {stream.index: Fraction(-1) for stream in self.audio_streams}
            if margin is not None:
                self._seek(int(wanted - margin / self.stream.time_base))
            self._packets = self._demux()
            self._frames = self.deinterlacer(self._decode(), self.stream)
            self.first = next(self._frames, None)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self.container.close()

    def frames(self) -> Iterator[Shown]:
        """Yields every frame in display order."""
        usual = max(1, round(1 / (self.rate * self.stream.time_base)))
        pts = end = None
        for frame in itertools.chain([self.first] if self.first else [], self._frames):
            duration = frame.duration or usual
            if end is None:
                pts = frame.pts or 0
            else:
                # Some containers omit or repeat timestamps; their frames are kept. ASF has decoding
                # timestamps only, by which FFmpeg counts the frames that it shows.
                known = [time for time in (frame.pts, frame.dts) if time is not None]
                late = end if frame.dts is None else pts + 1
                pts = next((time for time in known if time > pts), late)
            end = pts + duration
            yield Shown(frame, pts, duration)

    def take_audio(self) -> list[av.Packet]:
        """Returns the audio packets read since the last call, in file order."""
        taken, self._aside = self._aside, []
        return taken

    def read_audio_until(self, seconds: Fraction) -> None:
        """Reads on without decoding, until all audio before a time is read or the file ends."""
        while min(self._heard.values(), default=seconds) < seconds:
            if next(self._packets, None) is None:
                break

    def has_seam_before(self, wanted: Fraction) -> bool:
        """Reads on to a time, in ticks, without decoding; returns whether the clock is unsteady."""
        for packet in self._packets:
            self._aside.clear()
            is_late = packet.pts is not None and packet.pts > wanted
            if self.timeline.seams or is_late:
                break
        return self.timeline.seams > 0

    def promised_end(self) -> Fraction:
        """Returns the end of the video in seconds as the container states it, else 0."""
        if self.stream.frames and self.stream.duration:
            end = (self.stream.start_time or 0) + self.stream.duration
            return end * self.stream.time_base + self.timeline.start
        # Matroska has a tag. Without it FFmpeg reports the longest stream, which may be audio.
        return to_seconds(self.stream.metadata.get("DURATION", "")) or Fraction(0)

    def likely_end(self) -> Fraction:
        """Returns `promised_end()` or, if it is 0, the end of the longest stream, else 0."""
        start, duration = self.container.start_time or 0, self.container.duration
        longest = Fraction(start + duration, av.time_base) if duration else None
        return self.promised_end() or (longest + self.timeline.start if longest else Fraction(0))

    def unread_share(self) -> float:
        """Returns the share of the file, 0 to 1, after the last packet; call it at the end.

        FFmpeg stops there without an error, for example at the second of two joined MP4 files. A
        short rest is an index: its share counts as 0.
        """
        rest, size = self.container.size - self._end, self.container.size
        return rest / size if self._end and rest > max(_INDEX_BYTES, _INDEX_SHARE * size) else 0.0

    def _seek(self, pts: int) -> None:
        pts -= round(self.timeline.start / self.stream.time_base)
        # A file in which seeking fails is read from its start.
        with contextlib.suppress(av.FFmpegError):
            self.container.seek(pts, stream=self.stream)

    def _demux(self) -> Iterator[av.Packet]:
        """Yields the video packets; puts the audio packets aside."""
        for packet in self.timeline.steady(self._read()):
            if packet.stream is self.stream:
                yield packet
            elif packet.size:
                self._put_aside(packet)

    def _read(self) -> Iterator[av.Packet]:
        try:
            for packet in self.container.demux(self.stream, *self.audio_streams):
                self._end = max(self._end, (packet.pos or 0) + packet.size)
                yield packet
        except av.FFmpegError as error:
            self._note(error)
            end = av.Packet()  # Empty, so that the decoder returns the frames that it holds back.
            end.stream = self.stream
            yield end

    def _put_aside(self, packet: av.Packet) -> None:
        self._aside.append(packet)
        if packet.pts is not None:
            self._heard[packet.stream.index] = packet.pts * packet.time_base

    def _decode(self) -> Iterator[av.VideoFrame]:
        for packet in self._packets:
            self.num_packets += bool(packet.size)
            if packet.pts is not None and (self._newest is None or packet.pts > self._newest):
                self._newest = packet.pts
            if packet.is_discard and self.timeline.seams:
                packet = _copy(packet)  # FFmpeg hides pictures after a step back in MP4 fragments.
            try:
                yield from packet.decode()
            except av.FFmpegError as error:
                # The next frames may be undamaged: go on, and report the error at the end.
                self._note(error)

    def _note(self, error: av.FFmpegError) -> None:
        """Keeps the first error, but none before a packet of the wanted time was read."""
        is_before = None not in (self._wanted, self._newest) and self._newest < self._wanted
        if not is_before:
            self.fault = self.fault or error.strerror


def open_before(path: Path, wanted: Fraction) -> VideoFile:
    """Opens a file shortly before a time, so that all frames from then on can be decoded.

    Seeking is inexact and differs between containers: it may end too late, or between keyframes. So
    the first frame must be a keyframe at or before `wanted`. Otherwise the file is opened further
    before `wanted`, and in the last try at its start.

    Args:
      path: a local file.
      wanted: timestamp in ticks.

    Raises:
      VideoError: see `VideoFile`.
    """
    for margin in () if _has_seam_before(path, wanted) else _MARGINS:
        file = VideoFile(path, wanted, margin)
        first = file.first
        if first is not None and first.key_frame and first.pts is not None and first.pts <= wanted:
            return file
        file.close()
    return VideoFile(path, wanted)


def _has_seam_before(path: Path, wanted: Fraction) -> bool:
    """Returns whether the clock steps back or jumps before a time: then seeking would go wrong."""
    with contextlib.closing(VideoFile(path)) as file:
        return file.timeline.may_jump and file.has_seam_before(wanted)


def _open(path: Path) -> av.container.InputContainer:
    if not path.is_file():
        raise VideoError(
            f"{path}: {'is a folder, not a clip' if path.is_dir() else 'no such file'}"
        )
    options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
    try:
        # FFmpeg cannot mistake an absolute path for a URL such as 'concat:...'.
        # Titles of old files are not UTF-8.
        return av.open(
            str(path.absolute()), "r", container_options=options, metadata_errors="replace"
        )
    except (av.FFmpegError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        if isinstance(error, PermissionError):
            raise VideoError(f"{path}: {reason}") from error
        if _begins_like_mp4(path):
            raise VideoError(
                f"{path}: the clip is cut off or damaged ({reason}): its index cannot be read; copy"
                " it again from its source"
            ) from error
        raise UnknownContainerError(
            f"{path}: not a video that can be read ({reason}); read are {_NAMES}"
        ) from error


def _begins_like_mp4(path: Path) -> bool:
    """Returns whether a file has the first box of MP4 and MOV (ISO/IEC 14496-12, 4.3)."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"
    return False


def _copy(packet: av.Packet) -> av.Packet:
    """Returns the same packet without the mark that its frame is not shown."""
    copy = av.Packet(bytes(packet))
    copy.stream, copy.time_base = packet.stream, packet.time_base
    copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
    copy.is_keyframe = packet.is_keyframe
    return copy
