"""Reads a video as batches of upright RGB frames, with their timestamps and audio packets."""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np

from pix2pix_flax.inference.video.container import Shown, VideoFile, open_before
from pix2pix_flax.inference.video.info import Batch, VideoError, describe, display_matrix
from pix2pix_flax.inference.video.upright import Upright


class VideoReader:
    """Reads one video file, or a part of it, once.

    Attributes:
      info: properties of the upright, scaled frames.
      audio_streams: the source's audio streams.
      num_frames: expected number of frames: the container's number or, for a part of the video or
        if the container has no number, duration times frame rate; None if unknown.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        start: Fraction = Fraction(0),
        duration: Fraction | None = None,
        max_height: int | None = None,
    ):
        """Opens the file and decodes the first frame of the part.

        Args:
          path: a local file.
          start: start of the part in seconds after the video's first frame. The part's first frame
            gets the timestamp of the video's first frame.
          duration: seconds; frames from `start + duration` on are left out. None for all frames.
          max_height: higher upright frames are scaled down to this height.

        Raises:
          VideoError: the file does not exist or is not a video in a permitted container, no frame
            can be decoded, or the part has no frame.
        """
        self._path = Path(path)
        self._starts_later = start > 0
        self._file = VideoFile(self._path)
        try:
            self._describe(max_height)
            self._begin = self._origin + start / self.info.time_base
            self._stop = None if duration is None else self._begin + duration / self.info.time_base
            if self._starts_later:
                self._file.close()
                self._file = open_before(self._path, self._begin)
            self.audio_streams = self._file.audio_streams
            self._num_read, self._is_past_stop = 0, False
            self._frames = self._part()
            self._first = self._first_of_part()
            self.num_frames = self._expected_frames()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields all frames in batches of one shape.

        Args:
          size: B, the number of frames in a batch.
        """
        batch = self._new_batch(size)
        shown: Shown | None = self._first
        while shown is not None:
            if len(batch.pts) == size:
                yield self._finish(batch)
                batch = self._new_batch(size)
            self._append(batch, shown)
            shown = next(self._frames, None)
        yield self._finish(batch)

    def damage(self) -> str | None:
        """Returns a message if the file ended early or a frame failed to decode, else None.

        Call it after the last batch. A truncated file raises no error while it is read: its packets
        just end, and only its header tells how many there should be.
        """
        known = None if self._file.timeline.seams else self.num_frames
        counts = f"{self._num_read} of {known or 'an unknown number of'} frames"
        fault, missing = self._file.fault, self._missing_seconds()
        if missing:  # and the last packet may be broken, which only some decoders report
            words = f" ({fault})" if fault else ""
            return f"truncated: {counts} could be read, {missing:.1f} s are missing{words}"
        return f"damaged: {counts} could be read ({fault})" if fault else None

    def notes(self) -> list[str]:
        """Returns one line for each change that was made to the source's pictures or times.

        Call it after the last batch.
        """
        file, upright = self._file, self._upright
        size = f"{self.info.width}x{self.info.height}"
        unread = 0.0 if self._is_past_stop else file.unread_share()
        notes = {
            f"left out: {', '.join(file.left_out)}": file.left_out,
            f"the clock steps back or jumps ahead {_times(file.timeline.seams)}: pictures and "
            "sound go on there without a gap": file.timeline.seams,
            f"{file.deinterlacer.frames} interlaced frames were deinterlaced (bwdif)": (
                file.deinterlacer.frames
            ),
            f"the transparent parts of {upright.uncovered} frames were laid on white": (
                upright.uncovered
            ),
            f"{upright.toned} frames in HDR or BT.2020 were converted to BT.709": upright.toned,
            f"{upright.resized} frames have another size than the first: they lie between black "
            f"bars in {size}": upright.resized,
            f"the last {unread:.0%} of the file hold no pictures or sound that FFmpeg finds": (
                unread and not file.left_out
            ),
        }
        return [f"{self._path}: {note}" for note, happened in notes.items() if happened]

    def _describe(self, max_height: int | None) -> None:
        first = self._file.first
        if first is None:
            fault = self._file.fault or "none found"
            raise VideoError(f"{self._path}: no frame can be decoded ({fault})")
        self._origin = first.pts or 0
        self.info = describe(self._file.stream, first, display_matrix(first), max_height)
        self._upright = Upright(self.info, first)

    def _first_of_part(self) -> Shown:
        first = next(self._frames, None)
        if first is not None:
            return first
        if self._is_past_stop:
            raise VideoError(f"{self._path}: no frame begins in the part: choose a longer duration")
        end = float(self._seconds(self._end - self._origin))
        raise VideoError(f"{self._path}: start lies after the end of the video, {end:.2f} s")

    def _part(self) -> Iterator[Shown]:
        for shown in self._file.frames():
            if self._stop is not None and shown.pts >= self._stop:
                self._is_past_stop = True
                self._file.read_audio_until(self._seconds(self._stop))
                return
            self._end = shown.pts + shown.duration
            if shown.pts >= self._begin:
                self._num_read += 1
                yield shown

    def _new_batch(self, size: int) -> Batch:
        return Batch(np.empty((size, self.info.height, self.info.width, 3), np.uint8))

    def _append(self, batch: Batch, shown: Shown) -> None:
        batch.frames[len(batch.pts)] = self._upright(shown.frame)
        batch.pts.append(shown.pts - self._first.pts + self._origin)
        until_stop = np.inf if self._stop is None else math.ceil(self._stop - shown.pts)
        batch.durations.append(min(shown.duration, until_stop))

    def _finish(self, batch: Batch) -> Batch:
        if batch.pts:
            batch.frames[len(batch.pts) :] = batch.frames[len(batch.pts) - 1]
        batch.audio = [
            self._move(packet) for packet in self._file.take_audio() if self._has(packet)
        ]
        return batch

    def _has(self, packet: av.Packet) -> bool:
        """Returns whether an audio packet begins while the frames of the part are shown."""
        ticks = packet.dts if packet.pts is None else packet.pts
        if ticks is None:
            return False  # A container cannot store a packet without a time.
        time = ticks * packet.time_base
        is_early = self._starts_later and time < self._seconds(self._first.pts)
        return not is_early and (self._stop is None or time < self._seconds(self._stop))

    def _move(self, packet: av.Packet) -> av.Packet:
        """Shifts the timestamps of an audio packet as far as the timestamps of the frames."""
        shift = round(self._seconds(self._first.pts - self._origin) / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        return packet

    def _seconds(self, ticks: Fraction | int) -> Fraction:
        return ticks * self.info.time_base

    def _expected_frames(self) -> int | None:
        is_whole = not self._starts_later and self._stop is None
        if is_whole and self._file.stream.frames:
            return self._file.stream.frames
        end = self._file.likely_end()
        if self._stop is not None:
            end = min(end or self._seconds(self._stop), self._seconds(self._stop))
        frames = math.ceil((end - self._seconds(self._first.pts)) * self._file.rate)
        return frames if frames > 0 else None

    def _missing_seconds(self) -> float:
        """Returns the seconds by which the part is shorter than its header says; 0 if it is not.

        The header also counts frames that an edit list hides. So a file is truncated only if both
        the number of frames and the time fall short.
        """
        if self._is_past_stop:
            return 0.0
        promised, half_a_frame = self._file.stream.frames, 0.5 / self._file.rate
        missing = self._file.promised_end() - self._seconds(self._end)
        if promised and not self._starts_later:
            is_short = self._file.num_packets < promised and missing > half_a_frame
        else:
            is_short = missing > 0.5
        if self._stop is not None:
            missing = min(missing, self._seconds(self._stop - self._end))
        return float(missing) if is_short and missing > half_a_frame else 0.0


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
