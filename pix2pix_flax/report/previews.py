"""The pictures that a training writes while it learns, and the images that they hold."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from cartoon_tfds.images import read_image
from pix2pix_flax.image.sheet import panel, places

_KEY = "pix2pix_flax.panel"  # of the text inside the PNG file
_NAME = re.compile(r"(?P<name>.+)-(?P<step>\d{8})(-epoch(?P<epoch>\d+))?")


class Preview(NamedTuple):
    """A picture of a training.

    Attributes:
      path: the PNG file.
      name: the kind of picture, such as `panel` or `grid`.
      step: the step after which it was drawn.
      epoch: the epoch that ended with this step; None: no epoch did.
    """

    path: Path
    name: str
    step: int
    epoch: int | None

    @property
    def title(self) -> str:
        """The moment in words, such as `step 700, epoch 5`."""
        return f"step {self.step:,}" + ("" if self.epoch is None else f", epoch {self.epoch}")


class Example(NamedTuple):
    """The images of one example.

    Attributes:
      captions: their names, such as input, target and output.
      images: uint8 [h, w, 3] each, of one size.
    """

    captions: tuple[str, ...]
    images: list[np.ndarray]


def write_preview(path: Path, rows: list[np.ndarray], captions: Sequence[str]) -> None:
    """Writes a panel as a PNG file, with the places of its images as text in the file.

    Args:
      path: the file.
      rows: images uint8 [h, w, 3], each as `sheet.beside` makes it.
      captions: names of the columns.

    Raises:
      OSError: the file cannot be written.
    """
    text = PngInfo()
    described = {"captions": list(captions), "places": places(rows, captions)}
    text.add_text(_KEY, json.dumps(described))
    Image.fromarray(panel(rows, captions)).save(path, pnginfo=text)


def find_previews(workdir: Path) -> list[Preview]:
    """Returns the previews of a run in the order of their steps; [] if there are none."""
    found = []
    for path in sorted((workdir / "previews").glob("*.png")):
        if match := _NAME.fullmatch(path.stem):
            epoch = match["epoch"] and int(match["epoch"])
            found.append(Preview(path, match["name"], int(match["step"]), epoch))
    return sorted(found, key=lambda preview: preview.step)


def read_body(path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns the captions of a preview, and its picture uint8 [H, W, 3] without their line.

    The captions are () and the picture is whole if the captions stand above several rows, because
    these have different widths, and for a file of an older version.

    Raises:
      UserError: the file is missing or damaged.
    """
    picture = read_image(path)
    with Image.open(path) as file:
        described = json.loads(file.text.get(_KEY, "null"))
    if described is None or len({row[-1][2] for row in described["places"]}) > 1:
        return (), picture
    top = described["places"][0][0][1]
    return tuple(described["captions"]), picture[top:]


def read_examples(path: Path) -> list[Example]:
    """Returns the examples in a preview; [] for a file of an older version, without places.

    Raises:
      OSError: the file is missing or damaged.
    """
    with Image.open(path) as file:
        picture = np.asarray(file.convert("RGB"))
        text = file.text.get(_KEY)
    if text is None:
        return []
    described = json.loads(text)
    return [
        Example(
            tuple(described["captions"]),
            [picture[top:bottom, left:right] for left, top, right, bottom in row],
        )
        for row in described["places"]
    ]
