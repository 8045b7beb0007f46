"""Prints a table of networks beside the photographs and the style that they have learned.

    python -m benchmarks.networks --photos=DIR --every=4 --checkpoint=lite
    python -m benchmarks.networks --photos=DIR --short_side=1024 --line_width=0 --checkpoint=lite

`benchmarks.look_metrics` explains the columns from `outline` to `ink`. `l1` is the mean absolute
difference from the style, of values 0..1, and `lpips` the perceptual distance by AlexNet (Zhang et
al. 2018, arXiv:1801.03924); it looks better than it is for networks whose loss it was.
"""

from collections.abc import Callable

import jax
import numpy as np
from absl import app, flags

from benchmarks import look_metrics
from benchmarks.styles import EVERY, LOOK_TITLES, PHOTOS, look_cells, markdown, read_photos
from cartoon_tfds.images import resize
from cartoon_tfds.styles import STYLES, cartoonize
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.models.frozen.lpips import lpips
from pix2pix_flax.models.frozen.weights import load_lpips_weights

_CHECKPOINTS = flags.DEFINE_multi_string(
    "checkpoint", None, "Network; give it again for more of them.", required=True
)
_STYLE = flags.DEFINE_enum("style", "ink", list(STYLES), "The style that they have learned.")
_LINE_WIDTH = flags.DEFINE_float(
    "line_width", 2.0, "Width of the style's lines in pixels; 0: by the size of the photograph."
)
_SHORT_SIDE = flags.DEFINE_integer(
    "short_side", None, "Scales the photographs to this short side.", lower_bound=64
)
_SEEN_AT = flags.DEFINE_integer(
    "seen_at",
    None,
    "Scales photographs and drawings to this short side before they are compared, as a screen"
    " shows large pictures. Without it, single pixels are compared.",
    lower_bound=64,
)


def make_distance() -> Callable[[np.ndarray, np.ndarray], float]:
    """Returns LPIPS by AlexNet of two pictures; it compiles for each new size."""
    weights = load_lpips_weights("alexnet")
    distance = jax.jit(lambda a, b: lpips(weights, a, b, net="alexnet")[0])
    return lambda *images: float(distance(*(normalize(image[np.newaxis]) for image in images)))


def read_examples() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns the photographs that the flags name, and their drawings in the style."""
    photos = list(read_photos(PHOTOS.value, EVERY.value).values())
    if _SHORT_SIDE.value:
        photos = [_scaled(photo, _SHORT_SIDE.value) for photo in photos]
    width = _LINE_WIDTH.value or None
    return photos, [cartoonize(photo, _STYLE.value, line_width=width) for photo in photos]


def main(argv: list[str]) -> None:
    """Prints the table."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {argv[1:]}")
    (photos, teachers), distance = read_examples(), make_distance()
    print(f"{len(photos)} photographs")

    seen_photos, seen_teachers = _seen(photos), _seen(teachers)

    def row(name: str, drawn: list[np.ndarray]) -> list[str]:
        drawn = _seen(drawn)
        l1, found = look_metrics.compare(seen_photos, drawn, seen_teachers)
        far = np.mean(list(map(distance, drawn, seen_teachers)))
        return [name, *look_cells(found), *(f"{value:.3f}" for value in (found.ink, l1, far))]

    rows = [["", *LOOK_TITLES, "ink", "l1", "lpips"]]
    rows += [row("photo", photos), row(_STYLE.value, teachers)]
    for name in _CHECKPOINTS.value:
        predict = load_predictor(name)
        rows.append(row(name, [predict(photo[np.newaxis])[0] for photo in photos]))
    print("\n".join(markdown(rows)))


def _seen(images: list[np.ndarray]) -> list[np.ndarray]:
    """Returns images in the size in which they are compared."""
    return [_scaled(image, _SEEN_AT.value) for image in images] if _SEEN_AT.value else images


def _scaled(photo: np.ndarray, short_side: int) -> np.ndarray:
    height, width = photo.shape[:2]
    factor = short_side / min(height, width)
    return resize(photo, round(height * factor), round(width * factor))


if __name__ == "__main__":
    app.run(main)
