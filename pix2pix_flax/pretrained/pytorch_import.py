"""Generators of pytorch-CycleGAN-and-pix2pix as networks of this project.

Its U-Net (`unet_128`, `unet_256`) is a block within a block: `model.model` holds the layers of the
outermost level and, in their middle, the block of the next one. Its residual generator
(`resnet_6blocks`, `resnet_9blocks`) is one list of layers.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from pix2pix_flax.models.registry import make_generator
from pix2pix_flax.pretrained.generator import TrainedGenerator
from pix2pix_flax.pretrained.pytorch_reader import PyTorchFileError, read_state_dict
from pix2pix_flax.typing import PyTree

_DEPTHS = range(5, 11)  # of U-Nets; 7 and 8 have names
_DROPOUT = 0.5
_GREY = np.float32([0.299, 0.587, 0.114])  # of red, green and blue, as in PIL's mode L
_LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "scale": "weight",
    "mean": "running_mean",
    "var": "running_var",
}
"""What PyTorch calls an array."""
_COUNTED = ("num_batches_tracked",)
_OLD_INSTANCE = ("running_mean", "running_var")  # kept before PyTorch 0.4, and never used


class _Layer(NamedTuple):
    """Where a layer is in the state dict, and whether it is `conv`, `transposed` or `norm`."""

    place: str
    kind: str


Layers = dict[str, _Layer]
"""By the names of our modules."""


class _UnknownError(Exception):
    """Says in one line why a state dict is not that of a known network."""


def import_generator(
    path: str | Path, config: ml_collections.ConfigDict, *, paper_test: bool = False
) -> TrainedGenerator:
    """Returns a generator of PyTorch that computes the same here.

    One that takes grey pictures is made to take RGB, which its first kernel turns to grey; one that
    returns grey pictures returns them as RGB.

    Args:
      path: a state dict, `*_net_G.pth` or safetensors.
      config: a whole configuration of a task from RGB to RGB; its `generator` is replaced, and
        what `test` says of statistics and dropout.
      paper_test: whether BatchNorm and dropout go on at test as in training (Isola et al. 2017,
        section 3.4), which that project does unless `--eval` is given.

    Raises:
      PyTorchFileError: the file cannot be read, or is that of another network.
      OSError: there is no such file.
    """
    path = Path(path).expanduser()
    arrays = read_state_dict(path)
    try:
        settings, layers = _recognise(arrays)
        arrays = _with_colours(arrays, layers)
        config = _configure(config, settings | _measure(arrays, layers), paper_test)
        variables = _convert(arrays, layers, config)
    except _UnknownError as error:
        raise PyTorchFileError(
            f"{path} holds no generator that can be imported: {error}"
        ) from error
    return TrainedGenerator(config, variables, path)


def _recognise(arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], Layers]:
    """Returns the kind of the network and its size, as in a configuration, and its layers."""
    if "model.model.0.weight" in arrays:
        depth = next(d for d in range(1, len(arrays) + 1) if f"{_block(d)}.1.weight" not in arrays)
        if depth not in _DEPTHS:
            raise _UnknownError(f"a U-Net of {depth} levels, not {_DEPTHS[0]} to {_DEPTHS[-1]}")
        # Whether a U-Net was trained with dropout cannot be seen; by default it is.
        return {"name": "unet", "depth": depth, "dropout": _DROPOUT}, _unet_layers(depth)
    if "model.1.weight" in arrays:
        blocks = next(i for i in range(len(arrays)) if f"{_residual(i)}.1.weight" not in arrays)
        dropout = f"{_residual(0)}.5.weight" not in arrays
        settings = {"blocks": blocks, "dropout": _DROPOUT if dropout else 0.0}
        return {"name": "resnet"} | settings, _resnet_layers(blocks, dropout)
    raise _UnknownError("its names are not those of unet_* or resnet_*blocks")


def _block(level: int) -> str:
    """Returns the name of a U-Net's level, with all the levels that it lies in."""
    inner = ".3.model" * (level - 1)
    return f"model.model.1.model{inner}" if level else "model.model"


def _unet_layers(depth: int) -> Layers:
    layers = {}
    for level in range(depth):
        # Before them there is an activation, and between them the next block and one more.
        down, up = (0, 3) if level == 0 else (1, 3) if level == depth - 1 else (1, 5)
        layers[f"down{level}"] = _Layer(f"{_block(level)}.{down}", "conv")
        layers[f"up{level}"] = _Layer(f"{_block(level)}.{up}", "transposed")
        if 0 < level < depth - 1:
            layers[f"down{level}_norm"] = _Layer(f"{_block(level)}.{down + 1}", "norm")
        if level:
            layers[f"up{level}_norm"] = _Layer(f"{_block(level)}.{up + 1}", "norm")
    return layers


def _residual(index: int) -> str:
    return f"model.{10 + index}.conv_block"


def _resnet_layers(blocks: int, dropout: bool) -> Layers:
    def normalised(name: str, kind: str, place: str, index: int) -> Iterator[tuple[str, _Layer]]:
        yield name, _Layer(f"{place}.{index}", kind)
        yield f"{name}_norm", _Layer(f"{place}.{index + 1}", "norm")

    layers: Layers = {}
    for level in range(3):  # 0 is a padding; after each pair comes an activation
        layers.update(normalised(f"down{level}", "conv", "model", 1 + 3 * level))
    for i in range(blocks):
        layers.update(normalised(f"block{i}_0", "conv", _residual(i), 1))
        layers.update(normalised(f"block{i}_1", "conv", _residual(i), 5 + dropout))
    layers.update(normalised("up2", "transposed", "model", 10 + blocks))
    layers.update(normalised("up1", "transposed", "model", 13 + blocks))
    return layers | {"up0": _Layer(f"model.{17 + blocks}", "conv")}


def _with_colours(arrays: dict[str, np.ndarray], layers: Layers) -> dict[str, np.ndarray]:
    """Returns the arrays of a network from RGB to RGB that does what this one does with grey."""
    first, weight, bias = (
        f"{layers[layer].place}.{leaf}"
        for layer, leaf in (("down0", "weight"), ("up0", "weight"), ("up0", "bias"))
    )
    for name in (first, weight):
        if name not in arrays or arrays[name].ndim != 4 or not arrays[name].size:
            raise _UnknownError(f"it has no kernel {name}")
    axis = 1 if layers["up0"].kind == "transposed" else 0
    inputs, outputs = arrays[first].shape[1], arrays[weight].shape[axis]
    if inputs not in (1, 3) or outputs not in (1, 3):
        raise _UnknownError(
            f"it makes pictures of {outputs} channels from pictures of {inputs}; only RGB and grey "
            "ones are known here"
        )
    arrays = dict(arrays)
    if inputs == 1:
        arrays[first] = arrays[first] * _GREY[:, None, None]
    if outputs == 1 and bias in arrays:
        arrays |= {weight: arrays[weight].repeat(3, axis), bias: arrays[bias].repeat(3)}
    return arrays


def _measure(arrays: dict[str, np.ndarray], layers: Layers) -> dict[str, Any]:
    """Returns the other settings of a generator."""
    width = arrays[f"{layers['down0'].place}.weight"].shape[0]
    norms = [layer.place for layer in layers.values() if layer.kind == "norm"]
    inner = [
        layer.place for name, layer in layers.items() if layer.kind != "norm" and name != "up0"
    ]
    norm = "none"
    if any(f"{place}.weight" in arrays for place in norms):
        norm = "batch"
    elif any(f"{place}.bias" in arrays for place in inner):  # there, for this one alone
        norm = "instance"
    settings = {"width": width, "norm": norm, "upsample": "transpose", "out_channels": 3}
    return settings | {"kernel_init": "normal", "remat": False}


def _configure(
    config: ml_collections.ConfigDict, generator: dict[str, Any], paper_test: bool
) -> ml_collections.ConfigDict:
    config = config.copy_and_resolve_references()
    with config.unlocked():
        config.generator = ml_collections.ConfigDict(generator)
        config.inference.statistics = "batch" if paper_test else "running"
        config.inference.dropout = paper_test
    return config


def _convert(
    arrays: dict[str, np.ndarray], layers: Layers, config: ml_collections.ConfigDict
) -> PyTree:
    """Returns the variables; raises an _UnknownError unless each array has its place."""
    module = make_generator(config.generator, config.dtype)
    norm, left, found = config.generator.norm, dict(arrays), {}
    wanted = jax.eval_shape(
        lambda key, images: module.init(key, images, train=False),
        jax.random.key(0),
        jax.ShapeDtypeStruct((1, module.stride, module.stride, 3), jnp.float32),
    )
    for name, leaf in flatten_dict(wanted, sep="/").items():
        found[name] = _take(left, layers, norm, name, leaf.shape)
    if strangers := sorted(left.keys() - _unused(layers, norm)):
        raise _UnknownError(f"there is no place for {strangers[0]}")
    return unflatten_dict(found, sep="/")


def _unused(layers: Layers, norm: str) -> set[str]:
    """Returns what may be in a state dict and does nothing at test."""
    leaves = _COUNTED if norm == "batch" else _COUNTED + _OLD_INSTANCE
    places = [layer.place for layer in layers.values() if layer.kind == "norm"]
    return {f"{place}.{leaf}" for place in places for leaf in leaves}


def _take(
    left: dict[str, np.ndarray], layers: Layers, norm: str, name: str, shape: tuple[int, ...]
) -> np.ndarray:
    """Returns the array of one of our names, and takes it out of `left`."""
    _, module, *_, leaf = name.split("/")
    place, kind = layers[module]
    if not _has(module, kind, leaf, norm):
        return np.full(shape, leaf == "scale", np.float32)
    source = f"{place}.{_LEAVES[leaf]}"
    if source not in left:
        raise _UnknownError(f"{source} is missing")
    array = left.pop(source)
    laid_out = _lay_out(array, kind) if array.ndim == 4 else array
    if laid_out.shape != shape or array.dtype.kind != "f":
        found = f"{source} is {array.dtype} {list(array.shape)}"
        raise _UnknownError(f"{found}, which is no {name} of {list(shape)}")
    return np.ascontiguousarray(laid_out, np.float32)


def _has(module: str, kind: str, leaf: str, norm: str) -> bool:
    """Returns whether that project has this array; others are what changes nothing."""
    if kind == "norm":
        return norm == "batch"
    return leaf == "kernel" or norm == "instance" or module == "up0"


def _lay_out(array: np.ndarray, kind: str) -> np.ndarray:
    """Returns a kernel as [kh, kw, in, out]."""
    if kind == "conv":
        return array.transpose(2, 3, 1, 0)
    # The first tap of PyTorch's transposed kernel reaches up and left, that of ours down and right.
    return array[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)
