"""From a dataset's examples to the names that the tasks know."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from pix2pix_flax.data.source import DatasetError

Reader = Callable[[dict[str, Any]], dict[str, np.ndarray]]


def read_pair(example: dict[str, Any], *, input_key: str, target_key: str) -> dict[str, np.ndarray]:
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


def make_reader(config) -> Reader:
    """Makes the reader of `config.data.features`.

    Two names are those of pairs, input first. One is that of single pictures, which are read as
    pairs with themselves: what of them is input, and what is target, is the task's to say.

    Raises:
      DatasetError: for any other number of names.
    """
    if len(config.features) not in (1, 2):
        raise DatasetError(
            "config.data.features must have one name (of single pictures) or two (input and "
            f"target), not {len(config.features)}."
        )
    return partial(read_pair, input_key=config.features[0], target_key=config.features[-1])
