"""Makes the first pictures of the README and of docs/weights.md: photographs and their cartoons.

    python -m benchmarks.showcase --checkpoint=lite --clip=CLIP.mp4 --out=docs

Writes `cartoons.jpg`, photographs of installed packages and a frame of the clip above their
cartoons; `clip.webp`, a moving picture of the clip above its cartoon; `weights.jpg`, photographs
beside the cartoons of their style and of the network; and `networks.jpg`, photographs beside the
drawings of each network of `--networks`. All drawings are those of the translating scripts with
their default settings; the clip is drawn with `--temporal`.
"""

import itertools
import pathlib

import av
import cv2
import numpy as np
from absl import app, flags
from PIL import Image

from cartoon_tfds.images import read_image
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.sources.packaged import iter_packaged
from cartoon_tfds.styles import cartoonize
from pix2pix_flax.image import sheet
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.video.temporal import TemporalBlend

_CHECKPOINT = flags.DEFINE_string("checkpoint", "lite", "The network that draws.")
_CLIP = flags.DEFINE_string("clip", None, "Video file.", required=True)
_START = flags.DEFINE_integer("start", 112, "First frame of the clip.", lower_bound=0)
_NETWORKS = flags.DEFINE_list(
    "networks",
    ["lite", "sketch", "watercolour", "poster"],
    "Networks that draw the same photographs.",
)
_OUT = flags.DEFINE_string("out", "docs", "Folder to write to.")

_SHOWN = {  # name of the photograph: left, top and side of the square that is shown, in shares
    "astronaut": (0.1, 0.0, 0.75),
    "chelsea": (0.2, 0.0, 1.0),
    "flower": (0.15, 0.0, 1.0),
    "china": (0.2, 0.0, 1.0),
}
_COMPARED = {
    "astronaut": (0.5, 0.0, 1.0),
    "coffee": (0.5, 0.5, 1.0),
    "chelsea": (0.5, 0.0, 1.0),
    "rocket": (0.5, 0.5, 1.0),
}
_FRAME, _PLACE = 48, (0.85, 0.0, 1.0)  # of the clip: number of the frame; place as above
_SIDE = 320  # pixels of a picture on the sheet
_QUALITY = 88  # of JPEG
_CLIP_WIDTH, _CLIP_FRAMES, _EVERY, _CLIP_QUALITY = 480, 36, 2, 55


def main(argv: list[str]) -> None:
    """Writes the files."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {argv[1:]}")
    predict, out = load_predictor(_CHECKPOINT.value), pathlib.Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    frames, rate = _frames(_CLIP.value)
    photos = {p.photo_id: read_image(p.data, p.photo_id) for p in iter_packaged()}
    squares = [_square(photos[name], *place) for name, place in _SHOWN.items()]
    squares.append(_square(frames[_FRAME], *_PLACE))
    rows = [[_shrunk(image) for image in (photo, predict(photo[None])[0])] for photo in squares]
    columns = sheet.stack([sheet.beside(list(row)) for row in zip(*rows, strict=True)])
    sheets = {
        "cartoons": columns,
        "weights": _comparison(photos, predict),
        "networks": _side_by_side(squares, [load_predictor(name) for name in _NETWORKS.value]),
    }
    for name, image in sheets.items():
        Image.fromarray(image).save(out / f"{name}.jpg", quality=_QUALITY)
    blend = TemporalBlend()
    drawn = [blend(frame[None], predict(frame[None]))[0] for frame in frames]
    pairs = [np.concatenate(pair) for pair in zip(frames, drawn, strict=True)][::_EVERY]
    first, *others = map(Image.fromarray, map(_narrowed, pairs))
    settings = {"duration": 1000 * _EVERY / rate, "loop": 0, "quality": _CLIP_QUALITY, "method": 6}
    first.save(out / "clip.webp", save_all=True, append_images=others, **settings)


def _frames(path: str) -> tuple[list[np.ndarray], float]:
    """Returns the frames of the part that is shown, RGB uint8 [H, W, 3], and their rate."""
    with av.open(path) as container:
        rate = float(container.streams.video[0].average_rate)
        last = _START.value + _EVERY * _CLIP_FRAMES
        decoded = itertools.islice(container.decode(video=0), _START.value, last)
        return [frame.to_ndarray(format="rgb24") for frame in decoded], rate


def _comparison(photos: dict[str, np.ndarray], predict) -> np.ndarray:
    """Returns photograph, cartoon of the style and cartoon of the network, four times."""
    rows = []
    for name, place in _COMPARED.items():
        photo = _square(photos[name], *place)
        teacher = cartoonize(photo, line_width=Cartoons().line_width)
        rows.append([_shrunk(image) for image in (photo, teacher, predict(photo[None])[0])])
    halves = [sheet.beside(row) for row in rows]
    return sheet.stack([sheet.beside(halves[:2]), sheet.beside(halves[2:])])


def _side_by_side(photos: list[np.ndarray], networks: list) -> np.ndarray:
    """Returns a row for each photograph: itself, and its drawing by each network."""
    rows = [[photo, *(predict(photo[None])[0] for predict in networks)] for photo in photos]
    return sheet.stack([sheet.beside(list(map(_shrunk, row))) for row in rows])


def _square(photo: np.ndarray, left: float, top: float, side: float) -> np.ndarray:
    """Returns a square of a picture; `left` and `top` are shares of the room beside it."""
    height, width = photo.shape[:2]
    pixels = int(side * min(height, width))
    y, x = int(top * (height - pixels)), int(left * (width - pixels))
    return np.ascontiguousarray(photo[y : y + pixels, x : x + pixels])


def _shrunk(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def _narrowed(image: np.ndarray) -> np.ndarray:
    height = round(image.shape[0] * _CLIP_WIDTH / image.shape[1])
    return cv2.resize(image, (_CLIP_WIDTH, height), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    app.run(main)
