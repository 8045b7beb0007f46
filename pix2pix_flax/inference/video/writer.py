"""Writes a video with the timestamps, colours and audio of its source; never leaves half a file."""

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.video.reformatter as reformatter
import numpy as np

from cartoon_tfds.files import temporary_path
from pix2pix_flax.inference.video.audio import CopiedTrack, EncodedTrack, fits
from pix2pix_flax.inference.video.codecs import Codec
from pix2pix_flax.inference.video.info import Batch, VideoError, VideoInfo

_FROM_RGB = (
    reformatter.Interpolation.BICUBIC
    | reformatter.Interpolation.ACCURATE_RND
    | reformatter.Interpolation.FULL_CHR_H_INP
    | reformatter.Interpolation.FULL_CHR_H_INT
)

_DAMAGED = (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError)


class VideoWriter:
    """Encodes into a hidden file in the destination's folder; `commit` renames the file.

    Attributes:
      frames: number of frames written so far.
    """

    def __init__(
        self,
        destination: Path,
        info: VideoInfo,
        audio_streams: Sequence[av.AudioStream],
        codec: Codec,
        settings: Mapping[str, str],
        audio_mode: str = "copy",
    ):
        """Makes the hidden file and declares the streams.

        Args:
          destination: the file to write; its suffix, one of `codec.suffixes`, selects the
            container.
          info: properties of the source.
          audio_streams: audio streams of the source.
          codec: video codec of the file.
          settings: options for the encoder, see `Codec.settings`.
          audio_mode: one of `AUDIO_MODES`.

        Raises:
          VideoError: the folder cannot be written to.
        """
        self.frames = 0
        self._container: av.container.OutputContainer | None = None
        self._destination = destination
        self._info = info
        self._encoded: list[str] = []
        self._lost = 0
        self._durations: dict[int, int] = {}
        self._reformatter = reformatter.VideoReformatter()
        # Absolute, so that FFmpeg cannot mistake it for a URL.
        self._temporary = temporary_path(destination.absolute())
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.touch()
            self._container = av.open(str(self._temporary), "w", options=_options(destination))
            self._video = _add_video(self._container, info, codec, settings)
            sound = () if audio_mode == "none" else audio_streams
            self._tracks = {s.index: self._add_audio(s, audio_mode) for s in sound}
        except BaseException as error:
            self.discard()
            if not isinstance(error, (OSError, av.FFmpegError, ValueError)):
                raise
            raise self._explain(error) from error

    def write(self, frames: np.ndarray, batch: Batch) -> None:
        """Writes frames and the batch's audio packets.

        Args:
          frames: uint8 RGB [len(batch.pts), H, W, 3]; H and W are the same in the whole video.
          batch: the source's batch, with the timestamps and the audio packets.

        Raises:
          VideoError: the frames cannot be encoded or written.
        """
        try:
            for frame, pts, duration in zip(frames, batch.pts, batch.durations, strict=True):
                self._durations[pts] = duration
                self._encode(self._to_yuv(frame, pts))
                self.frames += 1
            for packet in batch.audio:
                if packet.stream.index in self._tracks:
                    self._mux_audio(self._tracks[packet.stream.index].packets(packet))
        except (OSError, av.FFmpegError) as error:
            raise self._explain(error) from error

    def commit(self, path: Path | None = None) -> None:
        """Completes the file and renames it to the destination or, if given, to `path`.

        Raises:
          VideoError: the file cannot be completed; it is removed.
        """
        try:
            self._encode(None)
            for track in self._tracks.values():
                self._mux_audio(track.rest())
            self._container.close()
            self._temporary.replace(path or self._destination)
        except (OSError, av.FFmpegError) as error:
            raise self._explain(error) from error
        finally:
            self._temporary.unlink(missing_ok=True)

    def discard(self) -> None:
        """Removes the unfinished file."""
        # Errors while closing it (a full disk again) do not matter, because it is removed.
        with contextlib.suppress(OSError, av.FFmpegError):
            if self._container is not None:
                self._container.close()
        with contextlib.suppress(OSError):  # The folder itself may be missing.
            self._temporary.unlink(missing_ok=True)

    def notes(self) -> list[str]:
        """Returns one line for each change that was made to the audio so far."""
        lost = self._lost + sum(track.lost for track in self._tracks.values())
        notes = {
            f"{self._destination.suffix} cannot hold the audio ({', '.join(self._encoded)}) "
            "unchanged: it was encoded as AAC": self._encoded,
            "the sound changes its rate or channels midway, which most players do not follow; "
            "--audio=aac gives it one format": any(t.changes for t in self._tracks.values()),
            f"{lost} packets of sound are damaged and left out": lost,
        }
        return [f"{self._destination}: {note}" for note, happened in notes.items() if happened]

    def _add_audio(self, source: av.AudioStream, mode: str) -> CopiedTrack | EncodedTrack:
        if mode == "copy" and fits(source, self._container.format.name):
            return CopiedTrack(self._container, source)
        if mode == "copy":
            self._encoded.append(source.codec_context.name)
        return EncodedTrack(self._container, source)

    def _mux_audio(self, packets: Iterable[av.Packet]) -> None:
        for packet in packets:
            try:
                self._container.mux(packet)
            except _DAMAGED:
                self._lost += 1  # The next ones may be whole.

    def _encode(self, frame: av.VideoFrame | None) -> None:
        for packet in self._video.encode(frame):
            # Some encoders drop the duration, which otherwise only the next frame could tell.
            packet.duration = self._durations.pop(packet.pts)
            self._container.mux(packet)

    def _to_yuv(self, image: np.ndarray, pts: int) -> av.VideoFrame:
        matrix, colour_range, primaries, transfer = self._info.colour
        frame = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(_pad_to_even(image), "rgb24"),
            format="yuv420p",
            dst_colorspace=matrix,
            src_color_range=reformatter.ColorRange.JPEG,
            dst_color_range=colour_range,
            interpolation=int(_FROM_RGB),
        )
        frame.color_primaries, frame.color_trc = primaries, transfer
        frame.pts, frame.time_base = pts, self._info.time_base
        if not self.frames:
            self._video.width, self._video.height = frame.width, frame.height
        elif (self._video.width, self._video.height) != (frame.width, frame.height):
            # The encoder would scale the frame without an error.
            raise self._explain(ValueError("the frames change their size"))
        return frame

    def _explain(self, error: Exception) -> VideoError:
        reason = getattr(error, "strerror", None) or error
        return VideoError(f"{self._destination}: cannot be written: {reason}")


def _options(destination: Path) -> dict[str, str]:
    return {} if destination.suffix.lower() == ".mkv" else {"movflags": "+faststart"}


def _add_video(
    container: av.container.OutputContainer,
    info: VideoInfo,
    codec: Codec,
    settings: Mapping[str, str],
) -> av.VideoStream:
    # SVT-AV1 prints its settings unless this variable limits it to errors.
    os.environ.setdefault("SVT_LOG", "1")
    # The rate only steers the encoder's bit budget; the frames keep their own timestamps.
    rate = info.rate or Fraction(25)
    stream = container.add_stream(codec.encoder, rate=rate, options=dict(settings))
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    if codec.tag:
        context.codec_tag = codec.tag
    context.time_base = stream.time_base = info.time_base
    context.colorspace, context.color_range, context.color_primaries, context.color_trc = (
        info.colour
    )
    context.sample_aspect_ratio = info.pixel_aspect
    return stream


def _pad_to_even(image: np.ndarray) -> np.ndarray:
    """Repeats the last row and column of an image with odd sides: 4:2:0 halves both sides."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(image)
