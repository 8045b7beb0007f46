"""Times the stages of `scripts/translate_video.py` alone, and all of them together.

    python -m benchmarks.video --checkpoint=lite --input=CLIP --sizes=256x256,512x512

The clip is first cut to each size in pixels (width x height). The shortest of several turns counts,
because the machine may be shared; within a turn the stages follow one another. The flags for the
engine are the same as in that script.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from absl import flags

from pix2pix_flax.cli import command, translation_flags
from pix2pix_flax.inference.images.pixels import resize
from pix2pix_flax.inference.video import VideoOptions, translate_video
from pix2pix_flax.inference.video.codecs import CODECS, PRESETS
from pix2pix_flax.inference.video.info import Batch
from pix2pix_flax.inference.video.reader import VideoReader
from pix2pix_flax.inference.video.writer import VideoWriter

_INPUT = flags.DEFINE_string("input", None, "Video file.", required=True)
_SIZES = flags.DEFINE_list("sizes", ["256x256", "512x512"], "Frame sizes, width x height.")
_SECONDS = flags.DEFINE_integer("seconds", 10, "Seconds of the clip to use.", lower_bound=1)
_TURNS = flags.DEFINE_integer("turns", 3, "Turns; the shortest time counts.", lower_bound=1)
_PRESET = flags.DEFINE_enum("preset", "veryfast", PRESETS, "Encoding speed of x264.")

Predict = Callable[[np.ndarray], np.ndarray]


def cut(clip: Path, size: str, folder: Path) -> Path:
    """Crops the middle of a clip and resizes it; returns the new file."""
    width, height = map(int, size.split("x"))

    def reframe(images: np.ndarray) -> np.ndarray:
        rows, columns = images.shape[1:3]
        scale = max(height / rows, width / columns)
        top, left = (rows - height / scale) / 2, (columns - width / scale) / 2
        middle = images[:, round(top) : round(rows - top), round(left) : round(columns - left)]
        return resize(middle, height, width)

    file = folder / f"{size}.mp4"
    translate_video(reframe, clip, file, VideoOptions(duration=_SECONDS.value, progress=False))
    return file


def decode(clip: Path) -> list[Batch]:
    """Returns all batches of a clip."""
    with VideoReader(clip) as reader:
        return list(reader.batches(translation_flags.BATCH_SIZE.value))


def compute(predict: Predict, batches: list[Batch]) -> list[np.ndarray]:
    """Returns the translated batches."""
    return [predict(batch.frames) for batch in batches]


def encode(clip: Path, batches: list[Batch], outputs: list[np.ndarray], folder: Path) -> None:
    """Writes translated batches as a clip."""
    codec = CODECS["h264"]
    with VideoReader(clip) as reader:
        settings = codec.settings(None, _PRESET.value)
        writer = VideoWriter(folder / "encoded.mp4", reader.info, [], codec, settings)
    for images, batch in zip(outputs, batches, strict=True):
        writer.write(images[: len(batch.pts)], batch)
    writer.commit()


def timed(clip: Path, predict: Predict, folder: Path) -> dict[str, float]:
    """Returns the seconds of each stage alone, and of the whole translation."""
    clock = [time.perf_counter()]

    def lap() -> None:
        clock.append(time.perf_counter())

    batches = decode(clip)
    lap()
    outputs = compute(predict, batches)
    lap()
    encode(clip, batches, outputs, folder)
    lap()
    options = VideoOptions(
        batch_size=translation_flags.BATCH_SIZE.value,
        preset=_PRESET.value,
        overwrite=True,
        progress=False,
    )
    translate_video(predict, clip, folder / "whole.mp4", options)
    lap()
    names = ("decoding", "computing", "encoding", "together")
    return dict(zip(names, np.diff(clock), strict=True))


def main(argv: list[str]) -> None:
    """Prints a line for each size."""
    del argv
    predict = translation_flags.make_translator()
    with tempfile.TemporaryDirectory() as name:
        for size in _SIZES.value:
            clip = cut(Path(_INPUT.value), size, Path(name))
            batches = decode(clip)
            predict(batches[0].frames)  # compiles
            turns = [timed(clip, predict, Path(name)) for _ in range(_TURNS.value)]
            count = sum(len(batch.pts) for batch in batches)
            rates = {stage: count / min(turn[stage] for turn in turns) for stage in turns[0]}
            together = rates.pop("together")
            alone = ", ".join(f"{stage} {rate:.3g}" for stage, rate in rates.items())
            share = together / min(rates.values())
            print(
                f"{size}: {together:.3g} frames/s, {share:.2f} of the slowest stage's "
                f"(alone: {alone})"
            )


if __name__ == "__main__":
    flags.adopt_module_key_flags(translation_flags)
    command.run(main)
