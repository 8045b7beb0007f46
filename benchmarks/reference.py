"""Measures how much a coloured panel of the same page helps to colour the other panels.

    python -m benchmarks.reference --checkpoint=comics --dataset=cartoon_tfds/comics --split=test
    python -m benchmarks.reference --checkpoint=RUN --split=test --sheet=reference.png

Each panel of a page with several panels is coloured alone, with the panel before it as a reference
(the first one with the last), with a panel of another page, and with 20 hints: squares of 7 pixels
at random places that have the colours of the original. `ab_mae` is the mean absolute error of a and
b of CIELAB; a line of `grey` is the panel without colours. The sheet shows grey | reference | alone
| with the reference | with the hints | original.
"""

import collections
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from absl import flags

from cartoon_tfds.images import write_picture
from pix2pix_flax.cli import command as command_line

_CHECKPOINT = flags.DEFINE_string("checkpoint", "comics", "A network that takes hints.")
_DATASET = flags.DEFINE_string("dataset", "cartoon_tfds/comics", "Panels of `--panels`.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the datasets.")
_SPLIT = flags.DEFINE_string("split", "test", "The split.")
_SHEET = flags.DEFINE_string("sheet", None, "PNG or JPEG file to write with the panels.")
_HINTS, _PATCH = 20, 7  # number of hints, and the side of each in pixels
_SHEET_ROWS = 8
_SHEET_CELL = 240, 320  # height and width of a picture in the sheet


class Panels(NamedTuple):
    """A panel with its reference on the same page and one on another page, uint8 [H, W, 3]."""

    panel: np.ndarray
    reference: np.ndarray
    other: np.ndarray


def read_panels(dataset: str, split: str, data_dir: str | None) -> list[Panels]:
    """Returns the panels of all pages that have more than one, in the order of the pages."""
    from pix2pix_flax.data.source import open_source

    records = open_source(dataset, split, data_dir)
    pages = collections.defaultdict(list)
    for index in range(len(records)):
        record = records[index]
        pages[bytes(record["source"])].append((tuple(record["panel"]), record["image"]))
    # In the order in which a page is read: by the top, then by the left edge.
    ordered = [sorted(page, key=lambda item: item[0]) for _, page in sorted(pages.items())]
    images = [[np.asarray(image) for _, image in page] for page in ordered if len(page) > 1]
    return [
        Panels(panel, page[index - 1], images[number - 1][0])
        for number, page in enumerate(images)
        for index, panel in enumerate(page)
    ]


def coloured(chosen: Panels, network) -> dict[str, np.ndarray]:
    """Returns the results for one panel by their names in the table."""
    from pix2pix_flax.inference.hinted import HintedNetwork
    from pix2pix_flax.inference.reference import Reference

    def with_hints(hints_of):
        return HintedNetwork(network, hints_of)(chosen.panel[None])[0]

    return {
        "alone": network(chosen.panel[None])[0],
        "reference": with_hints(Reference(chosen.reference)),
        "another page": with_hints(Reference(chosen.other)),
        "20 hints": with_hints(_true_hints),
    }


def _true_hints(images: np.ndarray) -> np.ndarray:
    """Returns hints, uint8 RGBA [B, H, W, 4], at the same places of all pictures of one size."""
    draw, (height, width) = np.random.default_rng(0), images.shape[1:3]
    alpha = np.zeros((height, width), np.uint8)
    for _ in range(_HINTS):
        top, left = draw.integers(height - _PATCH), draw.integers(width - _PATCH)
        alpha[top : top + _PATCH, left : left + _PATCH] = 255
    return np.stack([np.dstack([image, alpha]) for image in images])


def ab_error(image: np.ndarray, panel: np.ndarray) -> float:
    """Returns the mean absolute error of a and b of uint8 pictures [H, W, 3]."""
    return float(np.abs(_ab(image) - _ab(panel)).mean())


def _ab(image: np.ndarray) -> np.ndarray:
    from pix2pix_flax.image.colour import rgb_to_lab
    from pix2pix_flax.image.normalize import normalize

    return np.asarray(rgb_to_lab(normalize(image)))[..., 1:]


def _fitted(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns the image as large as it fits, on white."""
    scale = min(height / image.shape[0], width / image.shape[1])
    size = int(image.shape[1] * scale), int(image.shape[0] * scale)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    below, right = height - small.shape[0], width - small.shape[1]
    return np.pad(small, ((0, below), (0, right), (0, 0)), constant_values=255)


def _rows(panels: list[Panels], network) -> Iterator[tuple[dict[str, float], np.ndarray]]:
    from pix2pix_flax.image.sheet import beside

    for chosen in panels:
        results = coloured(chosen, network)
        scores = {name: ab_error(image, chosen.panel) for name, image in results.items()}
        grey = np.repeat(chosen.panel.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.uint8)
        scores = {"grey": float(np.abs(_ab(chosen.panel)).mean())} | scores
        drawn = [results[name] for name in ("alone", "reference", "20 hints")]
        shown = [grey, chosen.reference, *drawn, chosen.panel]
        yield scores, beside([_fitted(image, *_SHEET_CELL) for image in shown])


def main(argv: list[str]) -> int:
    """Prints the table, and writes the sheet."""
    del argv
    from pix2pix_flax.image.sheet import panel
    from pix2pix_flax.inference.predictor import load_predictor

    network = load_predictor(_CHECKPOINT.value)
    panels = read_panels(_DATASET.value, _SPLIT.value, _DATA_DIR.value)
    found = list(_rows(panels, network))
    print(f"ab_mae of {len(found)} panels, split {_SPLIT.value}:")
    for name in found[0][0]:
        print(f"  {name:<14}{np.mean([scores[name] for scores, _ in found]):6.2f}")
    if _SHEET.value:
        rows = [shown for _, shown in found[:: max(len(found) // _SHEET_ROWS, 1)]]
        names = ("grey", "reference", "alone", "with the reference", "with 20 hints", "original")
        write_picture(Path(_SHEET.value), panel(rows, names))
    return 0


if __name__ == "__main__":
    command_line.run(main)
