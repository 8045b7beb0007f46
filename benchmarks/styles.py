"""Prints the quality and the speed of every style, beside the photo itself and cv2.stylization.

    python -m benchmarks.styles --photos=DIR --videos=DIR --every=4

Photographs are measured at their own size and clips at a width of 480 pixels. `benchmarks.
style_metrics` says what the numbers mean. Times are for one 256x256 picture on one core.
"""

import pathlib
import time
from collections.abc import Callable, Iterator

import av
import cv2
import numpy as np
from absl import app, flags

from benchmarks import style_metrics
from cartoon_tfds.styles import STYLES, cartoonize

_PHOTOS = flags.DEFINE_string("photos", None, "Folder of photographs.", required=True)
_VIDEOS = flags.DEFINE_string("videos", None, "Folder of clips; without it, no flicker.")
_EVERY = flags.DEFINE_integer("every", 4, "Measure every N-th photograph.", lower_bound=1)

_VIDEO_WIDTH = 480  # pixels
_REPEATS = 10

Style = Callable[[np.ndarray], np.ndarray]


def rows() -> dict[str, Style]:
    """Returns what is measured, by name: two references, then every style."""
    references = {"photo": np.copy, "cv2.stylization": cv2.stylization}
    return references | {name: lambda image, name=name: cartoonize(image, name) for name in STYLES}


def read_photos(folder: pathlib.Path, every: int) -> list[np.ndarray]:
    """Returns every N-th picture of a folder, in the order of names, as RGB uint8.

    Raises:
      ValueError: the folder holds no JPEG or PNG file, or one that cannot be read.
    """
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not paths:
        raise ValueError(f"no .jpg or .png file in {folder}")
    return [_read_photo(path) for path in paths[::every]]


def read_frames(path: pathlib.Path) -> Iterator[np.ndarray]:
    """Yields the frames of a clip, scaled to a width of 480 pixels, RGB uint8."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format="rgb24")
            height = round(image.shape[0] * _VIDEO_WIDTH / image.shape[1])
            yield cv2.resize(image, (_VIDEO_WIDTH, height), interpolation=cv2.INTER_AREA)


def photo_numbers(style: Style, photos: list[np.ndarray]) -> np.ndarray:
    """Returns the means of specks per megapixel, flat share and edge keep over the photos."""
    return np.mean([_one_photo(photo, style(photo)) for photo in photos], axis=0)


def flickers(styles: dict[str, Style], path: pathlib.Path) -> dict[str, float]:
    """Returns each style's warp error on a clip over that of the clip itself.

    Frames are held two at a time, and one optical flow serves all styles.
    """
    total, source_total = dict.fromkeys(styles, 0.0), 0.0
    previous, previous_drawn = None, {}
    for frame in read_frames(path):
        drawn = {name: style(frame) for name, style in styles.items()}
        if previous is not None:
            flow = style_metrics.consistent_flow(previous, frame)
            source_total += style_metrics.warp_error(previous, frame, *flow)
            for name in styles:
                total[name] += style_metrics.warp_error(previous_drawn[name], drawn[name], *flow)
        previous, previous_drawn = frame, drawn
    if not source_total:
        raise ValueError(f"nothing moves in {path}: flicker is not defined")
    return {name: error / source_total for name, error in total.items()}


def milliseconds(style: Style, photo: np.ndarray) -> float:
    """Returns the least of ten times for one 256x256 picture, in milliseconds."""
    image = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        style(image)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def main(argv: list[str]) -> None:
    """Prints one row of numbers per style."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {argv[1:]}")
    cv2.setNumThreads(1)
    styles = rows()
    photos = read_photos(pathlib.Path(_PHOTOS.value), _EVERY.value)
    clips = sorted(pathlib.Path(_VIDEOS.value).glob("*.mp4")) if _VIDEOS.value else []
    print(f"{len(photos)} photos, {len(clips)} clips")
    flicker = {path.stem: flickers(styles, path) for path in clips}
    titles = ["style", "specks/MP", "flat", "keep", "ms", *(f"flicker:{stem}" for stem in flicker)]
    _print_row(titles, titles)
    for name, style in styles.items():
        specks, flat, keep = photo_numbers(style, photos)
        cells = [name, f"{specks:.0f}", f"{flat:.3f}", f"{keep:.3f}"]
        cells.append(f"{milliseconds(style, photos[0]):.0f}")
        cells += [f"{of_clip[name]:.2f}" for of_clip in flicker.values()]
        _print_row(cells, titles)


def _print_row(cells: list[str], titles: list[str]) -> None:
    """Prints cells in columns as wide as their titles."""
    widths = [len("cv2.stylization"), *(len(title) for title in titles[1:])]
    print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)))


def _read_photo(path: pathlib.Path) -> np.ndarray:
    """Returns the picture as RGB uint8; raises ValueError if it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"cannot read {path}")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _one_photo(photo: np.ndarray, cartoon: np.ndarray) -> tuple[float, float, float]:
    """Returns specks per megapixel, flat share and edge keep of one cartoon."""
    return (
        style_metrics.specks_per_megapixel(cartoon),
        style_metrics.flat_share(cartoon),
        style_metrics.edge_keep(photo, cartoon),
    )


if __name__ == "__main__":
    app.run(main)
