"""Translates videos: every frame, with the source's timestamps, colours, rotation and audio."""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import tqdm

from pix2pix_flax.inference.images.pixels import resize
from pix2pix_flax.inference.video.codecs import CODECS
from pix2pix_flax.inference.video.info import Batch, VideoError, to_seconds
from pix2pix_flax.inference.video.reader import VideoReader
from pix2pix_flax.inference.video.threads import Stopwatch, WriteBehind, read_ahead
from pix2pix_flax.inference.video.writer import VideoWriter

__all__ = ["Blend", "VideoError", "VideoReport", "translate_video"]

Blend = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From consecutive frames uint8 RGB [n, H, W, 3] and what became of them, [n, sH, sW, 3], to what
is to become of them."""

_STAGES = ("decoding", "computing", "finishing", "encoding")


@dataclasses.dataclass(frozen=True)
class VideoReport:
    """What was done, and what it took in wall-clock time.

    The stages run at the same time, and wait for each other: the nearer `seconds` is to the longest
    of them, the better they overlap.

    Attributes:
      destination: The file that was written.
      frames: Their number.
      seconds: All in all.
      decoding: Seconds that reading, decoding and converting to RGB were busy.
      computing: Seconds in `predict`, its compilation included.
      finishing: Seconds that blending and setting side by side were busy.
      encoding: Seconds that converting from RGB, encoding and writing were busy.
    """

    destination: Path
    frames: int
    seconds: float
    decoding: float
    computing: float
    finishing: float
    encoding: float

    def __str__(self) -> str:
        busy = ", ".join(f"{stage} {getattr(self, stage):.1f} s" for stage in _STAGES)
        rate = self.frames / self.seconds
        return f"{self.destination}: {self.frames} frames, {rate:.1f} frames/s ({busy})"


def translate_video(
    predict: Callable[[np.ndarray], np.ndarray],
    source: str | Path,
    destination: str | Path,
    *,
    batch_size: int = 4,
    start: str | float = 0,
    duration: str | float | None = None,
    max_height: int | None = None,
    side_by_side: bool = False,
    blend: Blend | None = None,
    codec: str = "h264",
    crf: int | None = None,
    preset: str = "veryfast",
    overwrite: bool = False,
    progress: bool = True,
) -> VideoReport:
    """Writes `source` with each frame translated, as 4:2:0 video.

    Decoding, computing, blending and encoding have a thread each; `predict` is called in this one,
    always on batches of one shape. Timestamps (also of variable frame rate) and colour tags are the
    source's, audio is copied packet by packet, rotation is applied, odd sizes grow by one repeated
    row or column, and subtitles are left out. The file appears under its name once it is complete.

    Of a part, the first frame has the timestamp of the source's first frame, and the packets of
    audio are those that begin within it.

    Args:
      predict: uint8 RGB [B, H, W, 3] -> uint8 RGB [B, H', W', 3].
      source: A local video file; untrusted.
      destination: Ends in .mp4, .mkv or .mov; missing folders are made.
      batch_size: Frames per call of `predict`.
      start: Frames from then on are translated: seconds or 'HH:MM:SS.s' after the first one.
      duration: And only those before `start + duration`, likewise; None for all.
      max_height: Frames that are higher (upright) are scaled down before they are translated, to
        an even size of the same aspect.
      side_by_side: Whether the source, scaled where the sizes differ, is shown left of the result.
      blend: Called in order with each batch's frames and results, without any that only fill the
        batch; returns results of the same shape.
      codec: One of `CODECS`.
      crf: Constant rate factor; smaller is better and larger. None for the codec's own, at which
        the result looks like the original.
      preset: One of `PRESETS`: slower ones make smaller files.
      overwrite: Whether an existing destination is replaced.
      progress: Whether to show a bar with frames per second on standard error.

    Raises:
      VideoError: An option is none of these, the source cannot be read, or the destination cannot
        be written. Where the source breaks off, what could be read is kept as `NAME.partial.mp4`,
        and the error says so.
      ValueError: `predict` does not return such images.
    """
    started = time.perf_counter()
    clocks = {stage: Stopwatch() for stage in _STAGES}
    source, destination = Path(source), Path(destination)
    _check_destination(source, destination, codec, overwrite)
    _check_at_least(1, batch_size=batch_size)
    _check_at_least(2, max_height=max_height)
    settings = CODECS[codec].settings(crf, preset)
    part = {"start": _seconds("start", start), "duration": _seconds("duration", duration)}
    steps = [step for step in (blend, _beside if side_by_side else None) if step]
    open_reader = functools.partial(VideoReader, source, **part, max_height=max_height)
    with clocks["decoding"](open_reader) as reader:
        writer = VideoWriter(
            destination, reader.info, reader.audio_streams, CODECS[codec], settings
        )
        try:
            _translate(predict, steps, reader, writer, batch_size, clocks, progress)
            clocks["encoding"](_complete, writer, source, destination, reader.damage())
        except BaseException:
            writer.discard()
            raise
    busy = {stage: clock.seconds for stage, clock in clocks.items()}
    return VideoReport(destination, writer.frames, time.perf_counter() - started, **busy)


def _translate(
    predict: Callable[[np.ndarray], np.ndarray],
    steps: Sequence[Blend],
    reader: VideoReader,
    writer: VideoWriter,
    batch_size: int,
    clocks: Mapping[str, Stopwatch],
    progress: bool,
) -> None:
    """Runs the stages: each thread hands its batches to the next."""
    decoded = contextlib.closing(read_ahead(clocks["decoding"].each(reader.batches(batch_size))))
    bar = tqdm.tqdm(total=reader.num_frames, unit=" frames", disable=not progress)
    with bar, decoded as batches, WriteBehind() as encoder, WriteBehind(1) as finisher:

        def finish(images: np.ndarray, batch: Batch) -> None:
            images = clocks["finishing"](_finish, steps, images, batch)
            encoder.submit(clocks["encoding"], writer.write, images, batch)

        for batch in batches:
            finisher.submit(finish, clocks["computing"](_predict, predict, batch), batch)
            bar.update(len(batch.pts))
        bar.total = bar.n  # It may have been a guess.


def _predict(predict: Callable[[np.ndarray], np.ndarray], batch: Batch) -> np.ndarray:
    """Returns the translated frames without those that only fill the batch."""
    images = np.asarray(predict(batch.frames))
    wanted = (len(batch.frames), 3)
    if images.dtype != np.uint8 or images.ndim != 4 or (len(images), images.shape[-1]) != wanted:
        found = f"{images.dtype} {list(images.shape)}"
        raise ValueError(f"predict returned {found} for uint8 {list(batch.frames.shape)}")
    return images[: len(batch.pts)]


def _finish(steps: Sequence[Blend], images: np.ndarray, batch: Batch) -> np.ndarray:
    frames = batch.frames[: len(batch.pts)]
    for step in steps:
        images = step(frames, images)
    return images


def _beside(frames: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Returns both in one picture, the source left, uint8 [n, sH, 2sW, 3]."""
    return np.concatenate([resize(frames, *images.shape[1:3]), images], axis=2)


def _complete(writer: VideoWriter, source: Path, destination: Path, damage: str | None) -> None:
    if not damage:
        return writer.commit()
    partial = destination.with_name(f"{destination.stem}.partial{destination.suffix}")
    writer.commit(partial)
    raise VideoError(f"{source}: {damage}; they are in {partial}")


def _check_destination(source: Path, destination: Path, codec: str, overwrite: bool) -> None:
    if codec not in CODECS:
        raise VideoError(f"codec is {codec!r}, it has to be one of {', '.join(CODECS)}")
    suffixes = CODECS[codec].suffixes
    if destination.suffix.lower() not in suffixes:
        raise VideoError(f"{destination}: {codec} has to end in {', '.join(suffixes)}")
    if not destination.exists():
        return
    if source.exists() and destination.samefile(source):
        raise VideoError(f"{destination}: input and output are the same file")
    if not overwrite or not destination.is_file():
        raise VideoError(f"{destination}: exists already (replace it with --overwrite)")


def _check_at_least(least: int, **options: int | None) -> None:
    for name, value in options.items():
        if value is not None and value < least:
            raise VideoError(f"{name} is {value}, it has to be {least} or more")


def _seconds(name: str, time: str | float | None) -> Fraction | None:
    seconds = to_seconds(time)
    if seconds is None and time is not None:
        raise VideoError(f"{name} is {time!r}, it has to be seconds or HH:MM:SS.s")
    return seconds
