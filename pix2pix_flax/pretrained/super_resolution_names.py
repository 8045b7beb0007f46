"""Super-resolution networks under the names that PyTorch projects give their arrays.

Real-ESRGAN and BasicSR (RRDBNet, SRVGGNetCompact), ESRGAN (RRDBNet under two older sets of names),
SRGAN-PyTorch (SRResNet) and SPAN. Each table goes both ways. Such networks compute on levels in
[0, 1].
"""

import math
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from pix2pix_flax.models.registry import make_generator
from pix2pix_flax.pretrained import span_form
from pix2pix_flax.pretrained import super_resolution_tables as tables
from pix2pix_flax.pretrained.super_resolution_tables import RRDB_NAMES, TABLES, Table
from pix2pix_flax.typing import PyTree

_RGB = 3
_RRDB_WIDTH = 64  # other programs take 32 channels for each dense layer
_SPAN_BLOCKS = 6  # other programs open no other number
_NO_NORM = "no_norm"  # marks a SPAN that does not subtract a mean colour
_NOT_USED = (".num_batches_tracked", _NO_NORM)  # of BatchNorm: not used at test

Arrays = dict[str, np.ndarray]


class UnknownError(Exception):
    """A state dict does not belong to a known network; the message is one line."""


def recognise(arrays: Arrays) -> tuple[dict[str, Any], Table] | None:
    """Returns the settings of `config.generator` and the table, or None for other networks.

    Raises:
      UnknownError: the network is of a known kind, but cannot be imported.
    """
    for first, describe in _KINDS.items():
        if f"{first}.weight" in arrays and (found := describe(arrays)):
            inputs = arrays[f"{first}.weight"].shape[1:2]
            if inputs != (_RGB,):
                raise UnknownError(
                    f"{first} takes {inputs} channels; networks for grey pictures or with pixel "
                    "unshuffle (RealESRGAN_x2plus) cannot be imported"
                )
            return found
    return None


def from_names(arrays: Arrays, table: Table, generator, dtype: str) -> PyTree:
    """Returns the variables of a network.

    Args:
      arrays: the state dict.
      table: the table of `recognise`.
      generator: `config.generator`.
      dtype: `config.dtype`.

    Raises:
      UnknownError: an array is missing, left over, or has another shape.
    """
    left, found = span_form.merge(arrays), {}
    for path, shape in _shapes(generator, dtype).items():
        place = table[path]
        if place.name not in left:
            raise UnknownError(f"{place.name} is missing")
        array = left.pop(place.name)
        if array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)
        array = _unshuffled(array, place.shuffled) if array.size == math.prod(shape) else array
        if array.shape != shape and (shape or array.shape != (1,)):
            raise UnknownError(
                f"{place.name} is {list(array.shape)}, which does not fit {path} {list(shape)}"
            )
        found[path] = np.array(array.reshape(shape), np.float32, order="C")  # keeps a scalar one
    if strangers := sorted(name for name in left if not name.endswith(_NOT_USED)):
        raise UnknownError(f"no layer has a place for {strangers[0]}")
    if generator.name == "span":
        found = span_form.from_stored(found, generator)
    return unflatten_dict(found, sep="/")


def to_names(variables: PyTree, generator) -> Arrays:
    """Returns the state dict of a network, float32, under the newest names.

    Raises:
      UnknownError: there are no names for this network.
    """
    if generator.name not in TABLES or not generator.get("unit_range", True):
        raise UnknownError(
            "names are known for networks that compute on levels in [0, 1]: compact, span, and "
            "rrdb and srresnet with config.generator.unit_range"
        )
    if generator.get("norm", "batch") != "batch":
        raise UnknownError("names are known for an srresnet with config.generator.norm batch alone")
    if generator.name == "rrdb" and generator.width != _RRDB_WIDTH:
        raise UnknownError(f"programs open an rrdb of config.generator.width {_RRDB_WIDTH} alone")
    if generator.name == "span" and generator.blocks != _SPAN_BLOCKS:
        raise UnknownError(f"programs open a span of config.generator.blocks {_SPAN_BLOCKS} alone")
    found, table = {}, TABLES[generator.name](generator)
    leaves = flatten_dict(variables, sep="/")
    arrays = {path: np.asarray(leaf, np.float32) for path, leaf in leaves.items()}
    if generator.name == "span":
        arrays = span_form.to_stored(arrays, generator)
    for path, array in arrays.items():
        place = table[path]
        array = _shuffled(array, place.shuffled)
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        found[place.name] = np.ascontiguousarray(array.reshape(array.shape or 1))
    if generator.name == "span" and not generator.centred:
        found[_NO_NORM] = np.zeros(1, np.float32)
    return span_form.split(found)


def _shapes(generator, dtype: str) -> dict[str, tuple[int, ...]]:
    module = make_generator(generator, dtype)
    images = jax.ShapeDtypeStruct((1, 8, 8, _RGB), jnp.float32)
    init = jax.eval_shape(lambda x: module.init(jax.random.key(0), x, train=False), images)
    return {path: leaf.shape for path, leaf in flatten_dict(init, sep="/").items()}


def _unshuffled(array: np.ndarray, factor: int) -> np.ndarray:
    """Returns an array [..., C] whose channels are grouped by pixel, and in PyTorch by colour."""
    parts = array.reshape(*array.shape[:-1], -1, factor**2)
    return parts.swapaxes(-1, -2).reshape(array.shape)


def _shuffled(array: np.ndarray, factor: int) -> np.ndarray:
    """Inverse of `_unshuffled`."""
    if factor == 1:
        return array
    parts = array.reshape(*array.shape[:-1], factor**2, -1)
    return parts.swapaxes(-1, -2).reshape(array.shape)


def _count(arrays: Arrays, pattern: str) -> int:
    """Returns the largest number that a pattern with one group finds in the names, plus 1."""
    found = (re.match(pattern, name) for name in arrays)
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _settings(name: str, arrays: Arrays, first: str, **settings: Any) -> dict[str, Any]:
    width = arrays[f"{first}.weight"].shape[0]
    return {"name": name, "width": width, "out_channels": _RGB} | settings


def _describe_compact(arrays: Arrays) -> tuple[dict[str, Any], Table] | None:
    last = _count(arrays, r"body\.(\d+)\.weight$") - 1
    if "body.1.weight" not in arrays or last < 2:
        return None
    scale = math.isqrt(len(arrays[f"body.{last}.weight"]) // _RGB)
    settings = {"blocks": (last - 2) // 2, "scale": scale, "kernel_init": "kaiming"}
    settings = _settings("compact", arrays, "body.0", **settings)
    return settings, tables.compact(settings)


def _describe_span(arrays: Arrays) -> tuple[dict[str, Any], Table] | None:
    if "conv_cat.weight" not in arrays:
        return None
    scale = math.isqrt(len(arrays["upsampler.0.weight"]) // _RGB)
    blocks = _count(arrays, r"block_(\d+)\.c1_r\.sk\.weight") - 1
    settings = {"blocks": blocks, "scale": scale, "kernel_init": "kaiming"}
    settings |= {"centred": _NO_NORM not in arrays, "residual": False}
    settings = _settings("span", arrays, "conv_1.sk", **settings)
    return settings, tables.span(settings)


def _describe_rrdb(arrays: Arrays) -> tuple[dict[str, Any], Table] | None:
    styles = {
        "new": (r"body\.(\d+)\.rdb1\.", r"conv_up(\d+)\.weight"),
        "trunk": (r"RRDB_trunk\.(\d+)\.RDB1\.", r"upconv(\d+)\.weight"),
        "old": (r"model\.1\.sub\.(\d+)\.RDB1\.", r"model\.(\d+)\.weight"),
    }
    for style, (block, up) in styles.items():
        first = RRDB_NAMES[style]["first"]
        if f"{first}.weight" in arrays and (blocks := _count(arrays, block)):
            last = _count(arrays, up) - 1
            ups = (last - 4) // 3 if style == "old" else max(last, 0)
            settings = {"blocks": blocks, "scale": 2**ups, "kernel_init": "kaiming"}
            settings = _settings("rrdb", arrays, first, unit_range=True, **settings)
            return settings, tables.rrdb(settings, style)
    return None


def _describe_srresnet(arrays: Arrays) -> tuple[dict[str, Any], Table] | None:
    settings = {
        "blocks": _count(arrays, r"trunk\.(\d+)\.rcb\.0\.weight"),
        "scale": 2 ** _count(arrays, r"upsampling\.(\d+)\.upsample_block\.0\.weight"),
        "norm": "batch",
        "kernel_init": "normal",
        "unit_range": True,
    }
    settings = _settings("srresnet", arrays, "conv1.0", **settings)
    return settings, tables.srresnet(settings)


_KINDS = {
    "body.0": _describe_compact,
    "conv_first": _describe_rrdb,
    "model.0": _describe_rrdb,
    "conv1.0": _describe_srresnet,
    "conv_1.sk": _describe_span,
}
"""Functions that describe a state dict by the name of its first layer."""
