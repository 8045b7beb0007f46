"""Prints a table of the quality and the speed of every style, and of the photograph itself.

    python -m benchmarks.styles --photos=DIR --videos=DIR --every=4

Photographs are measured at their own size and clips at a width of 480 pixels.
`benchmarks.look_metrics` and `benchmarks.style_metrics` explain the numbers. Times are for 256x256
pictures on one core: `ms` is the shortest of ten for one photograph, `images/s` the best of three
passes over all photographs.
"""

import pathlib
import time
from collections.abc import Callable, Iterator

import av
import cv2
import numpy as np
from absl import app, flags

from benchmarks import look_metrics, style_metrics
from cartoon_tfds.errors import UserError
from cartoon_tfds.images import read_image
from cartoon_tfds.sources.packaged import iter_packaged
from cartoon_tfds.styles import STYLES, cartoonize

PACKAGED = "packaged"

PHOTOS = flags.DEFINE_string(
    "photos", PACKAGED, "Folder of photographs; `packaged`: from installed packages."
)
VIDEOS = flags.DEFINE_string("videos", None, "Folder of .mp4 clips to measure flicker on.")
CHOSEN = flags.DEFINE_list("styles", list(STYLES), "Styles to measure.")
EVERY = flags.DEFINE_integer("every", 1, "Take every N-th photograph.", lower_bound=1)

LOOK_TITLES = ("outline", "stray", "crisp", "vivid", "tones", "white", "specks/MP", "flat", "keep")

_VIDEO_WIDTH = 480  # pixels
_PASSES = 3
_REPEATS = 10

Draw = Callable[[np.ndarray], np.ndarray]


def drawings() -> dict[str, Draw]:
    """Returns the functions to measure by name: the photo itself, then the styles."""
    styles = {name: lambda photo, name=name: cartoonize(photo, name) for name in CHOSEN.value}
    return {"photo": np.copy} | styles


def read_photos(folder: str, every: int) -> dict[str, np.ndarray]:
    """Reads every N-th picture, in the order of names; returns RGB uint8 `[H, W, 3]` by name.

    Args:
      folder: folder of JPEG and PNG files, or `packaged`.
      every: N, the step through the pictures.

    Raises:
      UserError: the folder holds no JPEG or PNG file, or one that cannot be read.
    """
    if folder == PACKAGED:
        files = {photo.photo_id: photo.data for photo in iter_packaged()}
    else:
        suffixes = {".jpg", ".jpeg", ".png"}
        paths = sorted(p for p in pathlib.Path(folder).iterdir() if p.suffix.lower() in suffixes)
        files = {path.stem: path for path in paths}
    if not files:
        raise UserError(f"no .jpg or .png file in {folder}")
    return {name: read_image(file, name) for name, file in list(files.items())[::every]}


def read_frames(path: pathlib.Path) -> Iterator[np.ndarray]:
    """Yields the frames of a clip, scaled to a width of 480 pixels, RGB uint8."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format="rgb24")
            height = round(image.shape[0] * _VIDEO_WIDTH / image.shape[1])
            yield cv2.resize(image, (_VIDEO_WIDTH, height), interpolation=cv2.INTER_AREA)


def photo_numbers(draw: Draw, photos: list[np.ndarray]) -> look_metrics.Look:
    """Returns the means over the photos."""
    return look_metrics.means([look_metrics.look(photo, draw(photo)) for photo in photos])


def flickers(draws: dict[str, Draw], path: pathlib.Path) -> dict[str, float]:
    """Returns each style's warp error on a clip, divided by the error of the clip itself.

    Frames are held two at a time, and one optical flow serves all styles.
    """
    total, source_total = dict.fromkeys(draws, 0.0), 0.0
    previous, previous_drawn = None, {}
    for frame in read_frames(path):
        drawn = {name: draw(frame) for name, draw in draws.items()}
        if previous is not None:
            flow = style_metrics.consistent_flow(previous, frame)
            source_total += style_metrics.warp_error(previous, frame, *flow)
            for name in draws:
                total[name] += style_metrics.warp_error(previous_drawn[name], drawn[name], *flow)
        previous, previous_drawn = frame, drawn
    if not source_total:
        raise UserError(f"no motion in {path}: its flicker is not defined")
    return {name: error / source_total for name, error in total.items()}


def speed(draw: Draw, photos: list[np.ndarray]) -> tuple[float, float]:
    """Returns milliseconds for the first photo and images per second for all, at 256x256."""
    small = [cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA) for photo in photos]
    one = min(_seconds(draw, small[:1]) for _ in range(_REPEATS))
    all_of_them = min(_seconds(draw, small) for _ in range(_PASSES))
    return 1000 * one, len(small) / all_of_them


def measure(photos: list[np.ndarray], clips: list[pathlib.Path]) -> list[str]:
    """Returns the lines of a Markdown table: one row of numbers for the photo and per style."""
    cv2.setNumThreads(1)
    draws = drawings()
    titles = ["style", *LOOK_TITLES, "ms", "images/s"]
    rows = [[*titles, *(f"flicker: {path.stem}" for path in clips)]]
    of_clips = [flickers(draws, path) for path in clips]
    for name, draw in draws.items():
        found = photo_numbers(draw, photos)
        milliseconds, per_second = speed(draw, photos)
        # Copying the photo takes no relevant time.
        times = ["", ""] if name == "photo" else [f"{milliseconds:.0f}", f"{per_second:.0f}"]
        flicker = [f"{of_clip[name]:.2f}" for of_clip in of_clips]
        rows.append([name, *look_cells(found), *times, *flicker])
    return markdown(rows)


def look_cells(found: look_metrics.Look) -> list[str]:
    """Returns the numbers below `LOOK_TITLES`."""
    shares = [f"{share:.3f}" for share in (found.outline, found.stray)]
    ratios = [f"{ratio:.2f}" for ratio in (found.crisp, found.vivid)]
    counts = [f"{found.tones:.1f}", f"{found.white:.2f}", f"{found.specks:.0f}"]
    return [*shares, *ratios, *counts, *(f"{share:.3f}" for share in (found.flat, found.keep))]


def flag_clips() -> list[pathlib.Path]:
    """Returns the clips in the folder that the flag names, in the order of names."""
    return sorted(pathlib.Path(VIDEOS.value).glob("*.mp4")) if VIDEOS.value else []


def main(argv: list[str]) -> None:
    """Prints the table."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {argv[1:]}")
    photos, clips = list(read_photos(PHOTOS.value, EVERY.value).values()), flag_clips()
    print(f"{len(photos)} photographs, {len(clips)} clips")
    print("\n".join(measure(photos, clips)))


def _seconds(draw: Draw, photos: list[np.ndarray]) -> float:
    """Returns the seconds that drawing the photos one after another takes."""
    start = time.perf_counter()
    for photo in photos:
        draw(photo)
    return time.perf_counter() - start


def markdown(rows: list[list[str]]) -> list[str]:
    """Returns the rows, the first of them titles, as a Markdown table with even columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    rule = ["-" * width for width in widths]
    padded = [
        [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        for row in (rows[0], rule, *rows[1:])
    ]
    return [f"| {' | '.join(row)} |" for row in padded]


if __name__ == "__main__":
    app.run(main)
