"""Makes the picture of docs/many_styles.md: one network of several styles, and its strengths.

    python -m benchmarks.style_sheet --checkpoint=RUN --out=docs/many_styles.jpg

Each photograph has a row with its drawing in each style of the network, and a row with the
drawings of two styles at three strengths. The photographs are those of scikit-image that the
dataset `sample` keeps for the test.
"""

import pathlib

import numpy as np
import skimage.data
from absl import app, flags
from PIL import Image

from cartoon_tfds.images import resize
from pix2pix_flax.image import sheet
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.translator import Translator
from pix2pix_flax.pretrained.generator import load_generator

_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Training of several styles.", required=True)
_OUT = flags.DEFINE_string("out", "docs/many_styles.jpg", "JPEG file to write.")
_STRENGTHS = (1 / 3, 2 / 3, 1.0)
_MIXED = ("ink", "sketch")
_SIDE = 256  # pixels
_QUALITY = 88  # of JPEG


def main(argv: list[str]) -> None:
    """Writes the picture."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {argv[1:]}")
    styles = load_generator(_CHECKPOINT.value).config.data.styles
    networks = {style: load_predictor(_CHECKPOINT.value, style=style) for style in styles}
    photos = [_square(photo) for photo in (skimage.data.chelsea(), skimage.data.coffee())]
    rows = []
    for photo in photos:
        rows.append([photo, *(_drawn(network, photo) for network in networks.values())])
    for photo in photos:
        mixed = [(networks[style], strength) for style in _MIXED for strength in _STRENGTHS]
        rows.append([photo, *(_drawn(network, photo, strength) for network, strength in mixed)])
    picture = sheet.stack([sheet.beside(row) for row in rows])
    Image.fromarray(picture).save(pathlib.Path(_OUT.value), quality=_QUALITY)


def _drawn(network, photo: np.ndarray, strength: float = 1.0) -> np.ndarray:
    return Translator(network, strength=strength)(photo[np.newaxis])[0]


def _square(photo: np.ndarray) -> np.ndarray:
    """Returns the middle square of a picture, uint8 RGB [256, 256, 3]."""
    side = min(photo.shape[:2])
    top, left = ((length - side) // 2 for length in photo.shape[:2])
    return resize(photo[top : top + side, left : left + side], _SIDE, _SIDE)


if __name__ == "__main__":
    app.run(main)
