"""The clip of a training: its previews one after another, which shows how the images change."""

import logging
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import read_image
from pix2pix_flax.image.sheet import panel
from pix2pix_flax.inference.sampler import write_video

_log = logging.getLogger(__name__)

_FEWEST = 3  # previews; fewer are no clip
_MOST = 240  # of more previews, so many are taken, spread evenly: two minutes
_PER_SECOND = 2
_HIGHEST, _WIDEST = 1080, 1920  # pixels, of a frame


def write_clip(workdir: Path) -> None:
    """Writes `WORKDIR/previews.mp4` from `WORKDIR/previews/`; replaces an older clip.

    Each preview is shown for half a second, under the name of its file. Nothing is written for
    fewer than three previews. An error is a warning in the log: a finished training stays one.
    """
    files = sorted((workdir / "previews").glob("*.png"))
    if len(files) < _FEWEST:
        return
    chosen = np.unique(np.linspace(0, len(files) - 1, _MOST).round().astype(int))
    clip = workdir / "previews.mp4"
    try:
        write_video(_frames([files[place] for place in chosen]), clip, _PER_SECOND)
    except (UserError, OSError) as error:
        _log.warning("The clip of the previews is left out: %s", error)
        return
    _log.info("The previews as a clip: %s", clip)


def _frames(files: list[Path]) -> Iterator[np.ndarray]:
    """Yields pictures, uint8 [H, W, 3], of at most 1920x1080 pixels.

    Pictures of another size than the last one are left out: the run was resumed with other sizes.
    """
    last = read_image(files[-1])
    height, width = last.shape[:2]
    scale = min(1.0, _HIGHEST / height, _WIDEST / width)
    size = round(scale * width), round(scale * height)
    for file in files:
        picture = read_image(file)
        if picture.shape != last.shape:
            continue
        if scale < 1:
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        yield panel([picture], [file.stem])
