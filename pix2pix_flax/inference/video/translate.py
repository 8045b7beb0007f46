"""Translates a video frame by frame; keeps the source's timestamps, colours, rotation and audio."""

import contextlib
import dataclasses
import functools
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tqdm

from cartoon_tfds.files import expand_home, fitting
from pix2pix_flax.inference.beside import beside
from pix2pix_flax.inference.images.pixels import resize
from pix2pix_flax.inference.video.codecs import CODECS
from pix2pix_flax.inference.video.info import Batch, VideoError
from pix2pix_flax.inference.video.options import VideoOptions
from pix2pix_flax.inference.video.reader import VideoReader
from pix2pix_flax.inference.video.threads import Stopwatch, WriteBehind, read_ahead
from pix2pix_flax.inference.video.writer import VideoWriter

__all__ = ["Blend", "VideoError", "VideoOptions", "VideoReport", "translate_video"]

Blend = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(source frames uint8 RGB [n, H, W, 3], their results [n, sH, sW, 3]) -> new results, same shape.

The n frames are consecutive.
"""

_log = logging.getLogger(__name__)
_STAGES = ("decoding", "computing", "finishing", "encoding")


@dataclasses.dataclass(frozen=True)
class VideoReport:
    """The file that `translate_video` wrote, and the wall-clock time of each stage.

    The stages run at the same time and wait for each other. If they overlap well, `seconds` is
    little more than the time of the longest stage.

    Attributes:
      destination: the file that was written.
      frames: number of frames.
      seconds: time from the call to the end.
      decoding: seconds spent on reading, decoding and converting to RGB.
      computing: seconds spent in `predict`, including its compilation.
      finishing: seconds spent on blending and on setting frames side by side.
      encoding: seconds spent on converting from RGB, encoding and writing.
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
    destination: str | Path | None = None,
    options: VideoOptions | None = None,
    *,
    blend: Blend | None = None,
) -> VideoReport:
    """Translates each frame of a video and writes the result as 4:2:0 video.

    Decoding, computing, blending and encoding have one thread each. `predict` is called in the
    caller's thread, always on batches of one shape. Timestamps (also of variable frame rate) and
    colour tags are the source's, audio packets are copied, rotation is applied, odd sizes grow by
    one repeated row or column, and subtitles are left out. The file gets its name only when it is
    complete. Other changes are logged at the end, one line for each kind: a clock that was made
    steady, interlaced, HDR and resized frames, streams left out, and audio that was encoded.

    If only a part is translated, its first frame gets the timestamp of the source's first frame,
    and only audio packets that begin within the part are copied.

    Args:
      predict: uint8 RGB [B, H, W, 3] -> uint8 RGB [B, H', W', 3].
      source: a local video file; it may come from an untrusted author.
      destination: the file to write, with the suffix .mp4, .mkv or .mov; missing folders are made.
        None: beside the source, as `clip-cartoon.mp4`. `~` is the home in both paths.
      options: the part to translate and the encoding; by default the whole video.
      blend: called in order with the frames and results of each batch, without frames that only
        fill the batch; returns new results of the same shape.

    Raises:
      VideoError: the source cannot be read, or the destination cannot be written. If the source
        ends early or a frame failed to decode, the result is kept as `NAME.partial.mp4`, or
        `NAME.partial-2.mp4` if that file exists, and so on. The message names the file.
      ValueError: `predict` returns another dtype or shape.
    """
    started, options = time.perf_counter(), options or VideoOptions()
    clocks = {stage: Stopwatch() for stage in _STAGES}
    source, codec = Path(expand_home(str(source))), CODECS[options.codec]
    destination = _find_destination(source, destination, options)
    settings = codec.settings(options.crf, options.preset)
    steps = [step for step in (blend, _beside if options.side_by_side else None) if step]
    open_reader = functools.partial(
        VideoReader,
        source,
        start=options.start_seconds,
        duration=options.duration_seconds,
        max_height=options.max_height,
    )
    with clocks["decoding"](open_reader) as reader:
        writer = VideoWriter(
            destination, reader.info, reader.audio_streams, codec, settings, options.audio
        )
        try:
            _translate(predict, steps, reader, writer, options, clocks)
            clocks["encoding"](_complete, writer, reader, source, destination)
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
    options: VideoOptions,
    clocks: Mapping[str, Stopwatch],
) -> None:
    """Runs the stages: each thread hands its batches to the next."""
    batches = clocks["decoding"].each(reader.batches(options.batch_size))
    decoded = contextlib.closing(read_ahead(batches))
    hidden = None if options.progress else True  # None: hidden if stderr is no terminal
    bar = tqdm.tqdm(total=reader.num_frames, unit=" frames", disable=hidden)
    with bar, decoded as batches, WriteBehind() as encoder, WriteBehind(1) as finisher:

        def finish(images: np.ndarray, batch: Batch) -> None:
            images = clocks["finishing"](_finish, steps, images, batch)
            encoder.submit(clocks["encoding"], writer.write, images, batch)

        for batch in batches:
            finisher.submit(finish, clocks["computing"](_predict, predict, batch), batch)
            bar.update(len(batch.pts))
        bar.total = bar.n  # The expected number may be an estimate.


def _predict(predict: Callable[[np.ndarray], np.ndarray], batch: Batch) -> np.ndarray:
    """Returns the translated frames, without frames that only fill the batch."""
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
    """Joins each frame (left) and its result (right) into one image, uint8 [n, sH, 2sW, 3]."""
    return np.concatenate([resize(frames, *images.shape[1:3]), images], axis=2)


def _complete(writer: VideoWriter, reader: VideoReader, source: Path, destination: Path) -> None:
    for note in (*reader.notes(), *writer.notes()):
        _log.warning(note)
    if not (damage := reader.damage()):
        return writer.commit()
    partial = _free_name(destination)
    writer.commit(partial)
    raise VideoError(f"{source}: {damage}; the frames are in {partial}")


def _free_name(destination: Path) -> Path:
    """Returns the first of clip.partial.mp4, clip.partial-2.mp4, ... that does not exist."""
    for number in itertools.count(1):
        ending = f".partial-{number}" if number > 1 else ".partial"
        path = fitting(destination.with_name(f"{destination.stem}{ending}{destination.suffix}"))
        if not path.exists():
            return path


def _find_destination(source: Path, destination: str | Path | None, options: VideoOptions) -> Path:
    """Returns the file to write, which is beside the source if none is given."""
    suffixes = CODECS[options.codec].suffixes
    if destination is None:
        destination = beside(source, suffixes, ".mp4")
    else:
        destination = Path(expand_home(str(destination)))
    _check_destination(source, destination, suffixes, options)
    return destination


def _check_destination(
    source: Path, destination: Path, suffixes: Sequence[str], options: VideoOptions
) -> None:
    if destination.suffix.lower() not in suffixes:
        raise VideoError(
            f"{destination}: a clip in {options.codec} has to end in {', '.join(suffixes)}; then "
            f"FFmpeg makes other files of the result: ffmpeg -i RESULT.mp4 {destination.name}"
        )
    if not destination.exists():
        return
    if source.exists() and destination.samefile(source):
        raise VideoError(f"{destination}: input and output are the same file")
    if not options.overwrite or not destination.is_file():
        raise VideoError(f"{destination}: exists already (replace it with --overwrite)")
