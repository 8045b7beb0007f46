"""Translates videos: every frame, with the source's timestamps, colours, rotation and audio."""

import contextlib
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tqdm

from pix2pix_flax.inference.overlap import WriteBehind, read_ahead
from pix2pix_flax.inference.video_info import VideoError
from pix2pix_flax.inference.video_reader import Batch, VideoReader
from pix2pix_flax.inference.video_writer import SUFFIXES, VideoWriter

__all__ = ["VideoError", "VideoReport", "translate_video"]


@dataclasses.dataclass(frozen=True)
class VideoReport:
    """What was done.

    Attributes:
      destination: The file that was written.
      frames: Their number, that of the source.
      seconds: Wall-clock time it took.
    """

    destination: Path
    frames: int
    seconds: float


def translate_video(
    predict: Callable[[np.ndarray], np.ndarray],
    source: str | Path,
    destination: str | Path,
    *,
    batch_size: int = 4,
    crf: int = 18,
    preset: str = "veryfast",
    overwrite: bool = False,
    progress: bool = True,
) -> VideoReport:
    """Writes `source` with each frame translated, as H.264 4:2:0.

    Frames are decoded in one thread and encoded in another while this one computes, always on
    batches of one shape. Timestamps (also of variable frame rate) and colour tags are the source's,
    audio is copied packet by packet, rotation is applied, odd sizes grow by one repeated row or
    column, and subtitles are left out. The file appears under its name once it is complete.

    Args:
      predict: uint8 RGB [B, H, W, 3] -> uint8 RGB [B, H', W', 3].
      source: A local video file; untrusted.
      destination: Ends in .mp4, .mkv or .mov; missing folders are made.
      batch_size: Frames per call of `predict`.
      crf: x264's constant rate factor, 0 (lossless) to 51; 18 looks like the original.
      preset: x264's speed, 'ultrafast' to 'veryslow': slower ones make smaller files.
      overwrite: Whether an existing destination is replaced.
      progress: Whether to show a bar with frames per second on standard error.

    Raises:
      VideoError: The source cannot be read or the destination cannot be written. Where the source
        breaks off, what could be read is kept as `NAME.partial.mp4`, and the error says so.
      ValueError: `predict` does not return such images.
    """
    source, destination = Path(source), Path(destination)
    _check_destination(source, destination, overwrite)
    if batch_size < 1:
        raise VideoError(f"batch_size is {batch_size}, it has to be 1 or more")
    started = time.monotonic()
    with VideoReader(source) as reader:
        writer = VideoWriter(destination, reader.info, reader.audio_streams, crf=crf, preset=preset)
        try:
            _translate(predict, reader, writer, batch_size, progress)
            damage = reader.damage()
            if damage:
                partial = destination.with_name(f"{destination.stem}.partial{destination.suffix}")
                writer.commit(partial)
                raise VideoError(f"{source}: {damage}; they are in {partial}")
            writer.commit()
        except BaseException:
            writer.discard()
            raise
    return VideoReport(destination, writer.frames, time.monotonic() - started)


def _translate(
    predict: Callable[[np.ndarray], np.ndarray],
    reader: VideoReader,
    writer: VideoWriter,
    batch_size: int,
    progress: bool,
) -> None:
    bar = tqdm.tqdm(total=reader.total_frames, unit=" frames", disable=not progress)
    batches = contextlib.closing(read_ahead(reader.batches(batch_size)))
    with bar, batches as decoded, WriteBehind() as encoder:
        for batch in decoded:
            encoder.submit(writer.write, _predict(predict, batch), batch)
            bar.update(len(batch.pts))


def _predict(predict: Callable[[np.ndarray], np.ndarray], batch: Batch) -> np.ndarray:
    """Returns the translated frames without those that only fill the batch."""
    images = np.asarray(predict(batch.frames))
    wanted = (len(batch.frames), 3)
    if images.dtype != np.uint8 or images.ndim != 4 or (len(images), images.shape[-1]) != wanted:
        found = f"{images.dtype} {list(images.shape)}"
        raise ValueError(f"predict returned {found} for uint8 {list(batch.frames.shape)}")
    return images[: len(batch.pts)]


def _check_destination(source: Path, destination: Path, overwrite: bool) -> None:
    if destination.suffix.lower() not in SUFFIXES:
        raise VideoError(f"{destination}: the output has to end in {', '.join(SUFFIXES)}")
    if not destination.exists():
        return
    if source.exists() and destination.samefile(source):
        raise VideoError(f"{destination}: input and output are the same file")
    if not overwrite or not destination.is_file():
        raise VideoError(f"{destination}: exists already (replace it with --overwrite)")
