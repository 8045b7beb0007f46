"""Reads examples of a dataset as `input` and `target`, the names that the tasks use."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pix2pix_flax.data.records import DatasetError
from pix2pix_flax.image.palettes import Palette, make_palette

Example = dict[str, np.ndarray]
Reader = Callable[[dict[str, Any]], Example]


def read_pair(example: dict[str, Any], *, input_key: str, target_key: str) -> Example:
    """Returns a pair's `input` and `target`, uint8 [H, W, C] of the same height and width.

    Raises:
      DatasetError: if a feature is missing, or the two images differ in size.
    """
    for key in (input_key, target_key):
        if key not in example:
            raise DatasetError(
                f"Examples have no feature {key!r} (config.data.features); "
                f"they have: {', '.join(sorted(example))}."
            )
    pair = {"input": example[input_key], "target": example[target_key]}
    if pair["input"].shape[:2] != pair["target"].shape[:2]:
        raise DatasetError(
            f"The images of a pair differ in size: {input_key} is {pair['input'].shape[:2]}, "
            f"{target_key} is {pair['target'].shape[:2]}."
        )
    return pair


def read_labels(maps: np.ndarray, palette: Palette) -> np.ndarray:
    """Returns a label map in the palette's colours, uint8 RGB [H, W, 3].

    Args:
      maps: uint8 [H, W, C]. If the palette has ids: ids, in one channel or the same in all three.
        Otherwise: the palette's colours, which are returned unchanged.
      palette: classes of the label map.

    Raises:
      DatasetError: if the map holds ids and the palette has none, or the other way round.
    """
    if not palette.has_ids:
        if maps.shape[-1] != 3:
            raise DatasetError(
                "Label maps have one channel, so they hold ids: give each class of "
                "config.data.palette its ids."
            )
        return maps
    if (maps != maps[..., :1]).any():
        raise DatasetError(
            "Label maps hold colours, not ids: give each class of config.data.palette () as ids."
        )
    return palette.colour_ids(maps[..., 0])


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Returns uint8 [H, W, 3] for an RGB image [H, W, 3] or a grey image [H, W, 1].

    Raises:
      DatasetError: if the image has another number of channels.
    """
    if image.shape[-1] not in (1, 3):
        raise DatasetError(f"Images must have 1 or 3 channels, not {image.shape[-1]}.")
    return image if image.shape[-1] == 3 else image.repeat(3, axis=-1)


def add_style(pair: Example, style: bytes, names: Sequence[str]) -> Example:
    """Appends the number of the style to `input`, as a fourth channel after RGB.

    The channel has one value, and stays with the image through all later steps.

    Raises:
      DatasetError: if `style` is not in `names`.
    """
    if (name := style.decode()) not in names:
        raise DatasetError(
            f"The style of an example is {name!r}, but config.data.styles has: {', '.join(names)}."
        )
    number = np.full((*pair["input"].shape[:2], 1), names.index(name), np.uint8)
    return {**pair, "input": np.concatenate([pair["input"], number], axis=2)}


def label_names(config) -> tuple[str, ...]:
    """Returns the names (`input`, `target` or both) of the label maps in `config.data.labels`."""
    names = {"input": config.features[0], "target": config.features[-1]}
    return tuple(name for name, key in names.items() if config.labels and key == config.labels)


def make_reader(config) -> Reader:
    """Makes the reader of `config.data.features`.

    Two names stand for pairs, input first. One name stands for single images, which are read as
    pairs of equal images: the task makes its input and its target from them. The feature
    `config.data.labels` is returned in the colours of `config.data.palette`. If
    `config.data.styles` has names, `input` has the number of its style as a fourth channel.

    Args:
      config: `config.data`; `features`, `labels`, `palette` and `styles` are used.

    Raises:
      DatasetError: if the number of names is neither 1 nor 2, or `labels` is none of them.
      UserError: if the palette is invalid.
    """
    if len(config.features) not in (1, 2):
        raise DatasetError(
            "config.data.features must have one name (for single images) or two (input and "
            f"target), not {len(config.features)}."
        )
    labels = label_names(config)
    if config.labels and not labels:
        raise DatasetError(
            f"config.data.labels must be one of config.data.features, not {config.labels!r}."
        )
    palette = make_palette(config.palette) if labels else None
    styles = tuple(config.styles)

    def read(example: dict[str, Any]) -> Example:
        first, last = config.features[0], config.features[-1]
        pair = read_pair(example, input_key=first, target_key=last)
        pair = {
            name: read_labels(image, palette) if name in labels else to_rgb(image)
            for name, image in pair.items()
        }
        return add_style(pair, example.get("style", b""), styles) if styles else pair

    return read
