"""From a dataset's examples to the names that the tasks know."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pix2pix_flax.data.source import DatasetError
from pix2pix_flax.image.palettes import Palette, make_palette

Example = dict[str, np.ndarray]
Reader = Callable[[dict[str, Any]], Example]


def read_pair(example: dict[str, Any], *, input_key: str, target_key: str) -> Example:
    """Returns a pair's `input` and `target`, uint8 [H, W, C] on one grid of pixels.

    Raises:
      DatasetError: where a feature is missing, or the two images differ in size.
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
            f"A pair differs in size: {input_key} is {pair['input'].shape[:2]}, "
            f"{target_key} is {pair['target'].shape[:2]}."
        )
    return pair


def read_labels(maps: np.ndarray, palette: Palette) -> np.ndarray:
    """Returns a label map in the palette's colours, uint8 RGB [H, W, 3].

    Args:
      maps: uint8 [H, W, C]. Where the palette has ids these, in its one channel or in all three;
        else colours, which are returned as they are.
      palette: its classes.

    Raises:
      DatasetError: where the map holds ids and the palette has none, or the other way round.
    """
    if not palette.has_ids:
        if maps.shape[-1] != 3:
            raise DatasetError(
                "Label maps have one channel, which is ids: give the classes of "
                "config.data.palette theirs."
            )
        return maps
    if (maps != maps[..., :1]).any():
        raise DatasetError(
            "Label maps show colours: give the classes of config.data.palette () for ids."
        )
    return palette.colour_ids(maps[..., 0])


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Returns uint8 [H, W, 3] for that, or for a grey picture [H, W, 1].

    Raises:
      DatasetError: for other numbers of channels.
    """
    if image.shape[-1] not in (1, 3):
        raise DatasetError(f"Pictures must have 1 or 3 channels, not {image.shape[-1]}.")
    return image if image.shape[-1] == 3 else image.repeat(3, axis=-1)


def add_style(pair: Example, style: bytes, names: Sequence[str]) -> Example:
    """Returns a pair whose `input` has a fourth channel behind RGB: the number of its style.

    It is of one value, and goes wherever the picture goes.

    Raises:
      DatasetError: where the style has no number.
    """
    if (name := style.decode()) not in names:
        raise DatasetError(
            f"The style of an example is {name!r}, but config.data.styles has: {', '.join(names)}."
        )
    number = np.full((*pair["input"].shape[:2], 1), names.index(name), np.uint8)
    return {**pair, "input": np.concatenate([pair["input"], number], axis=2)}


def label_names(config) -> tuple[str, ...]:
    """Returns which of `input` and `target` are label maps, by `config.data.labels`."""
    names = {"input": config.features[0], "target": config.features[-1]}
    return tuple(name for name, key in names.items() if config.labels and key == config.labels)


def make_reader(config) -> Reader:
    """Makes the reader of `config.data.features`.

    Two names stand for pairs, input first. One name stands for single images, which are read as
    pairs of equal images: the task makes its input and its target from them. The
    feature that `config.data.labels` names comes in the colours of `config.data.palette`. Where
    there are `config.data.styles`, each `input` has the number of its style as a fourth channel.

    Raises:
      DatasetError: for any other number of names, or where `labels` is none of them.
      ValueError: where the palette is wrong.
    """
    if len(config.features) not in (1, 2):
        raise DatasetError(
            "config.data.features must have one name (of single pictures) or two (input and "
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
