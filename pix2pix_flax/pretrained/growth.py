"""A wider U-Net from a trained one: it draws the same pictures, and learns on from there.

The method is of the kind of Net2Net (Chen et al. 2016, arXiv:1511.05641). The trained channels are
copied. The new ones have fresh weights, but the trained channels do not see them at first.
"""

import re

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from pix2pix_flax.typing import PyTree

_UP = re.compile(r"up(\d+)")
_SHUFFLED = 4  # pixels of `pixel_shuffle`, each with channels of its own


def can_grow(trained: PyTree, fresh: PyTree) -> bool:
    """Returns whether a U-Net has the arrays of another one, none shorter, and as many outputs."""
    small, large = flatten_dict(trained), flatten_dict(fresh)
    if small.keys() != large.keys():
        return False
    last = "fine2" if "fine2" in fresh["params"] else "up0"
    for name, array in small.items():
        narrow, wide = np.shape(array), np.shape(large[name])
        if len(narrow) != len(wide) or any(np.greater(narrow, wide)):
            return False
        if name[1] == last and narrow[-1] != wide[-1]:
            return False
    return True


def grown(trained: PyTree, fresh: PyTree, depth: int) -> PyTree:
    """Returns the variables of a wider U-Net whose output equals the output of a trained one.

    Args:
      trained: variables of a `models.unet.Unet`. With `norm="group"` the outputs differ at first,
        for the groups of the wider network hold other channels.
      fresh: variables of a wider one, with `can_grow(trained, fresh)`.
      depth: the depth of both.

    Returns:
      float32 arrays in the shapes of `fresh`.
    """
    small = flatten_dict(jax.tree.map(np.asarray, trained))
    large = flatten_dict(jax.tree.map(np.array, fresh))
    shuffled = {"up0": _SHUFFLED} if "fine0" in fresh["params"] else {}
    for name, array in small.items():
        into = large[name]
        outputs = _places(array.shape[-1], into.shape[-1], shuffled.get(name[1], 1))
        if array.ndim == 1:
            into[outputs] = array
            continue
        inputs = _places(array.shape[-2], into.shape[-2], _input_parts(name[1], depth))
        into[..., outputs] = 0  # also where a trained channel would see a new one
        into[..., inputs[:, np.newaxis], outputs] = array
    return unflatten_dict(large)


def _input_parts(layer: str, depth: int) -> int:
    """Returns the number of feature maps that are concatenated to the input of a layer."""
    up = _UP.fullmatch(layer)
    concatenated = layer in ("half", "colours") or (up and int(up[1]) < depth - 1)
    return 2 if concatenated else 1


def _places(count: int, size: int, parts: int) -> np.ndarray:
    """Returns the places of `count` channels among `size`, if both consist of so many parts."""
    starts = np.arange(parts)[:, np.newaxis] * (size // parts)
    return (starts + np.arange(count // parts)).ravel()
