"""Imports generators of PyTorch as networks of this project.

Networks for super-resolution are in `super_resolution_names.py`, the generators of
pytorch-CycleGAN-and-pix2pix here. Its U-Net (`unet_128`, `unet_256`) consists of nested blocks:
`model.model` holds the layers of the outermost level and, between them, the block of the next
level. Its residual generator (`resnet_6blocks`, `resnet_9blocks`) is one list of layers.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from pix2pix_flax.image.colour import LUMA
from pix2pix_flax.models.frozen.pytorch_reader import PyTorchFileError, read_state_dict
from pix2pix_flax.models.registry import make_generator
from pix2pix_flax.pretrained.finite import NotFiniteError, refuse_not_finite
from pix2pix_flax.pretrained.generator import TrainedGenerator
from pix2pix_flax.pretrained.super_resolution_names import UnknownError, from_names, recognise
from pix2pix_flax.typing import PyTree

_DEPTHS = range(5, 11)  # of U-Nets; 7 is unet_128 and 8 is unet_256
_PLAIN_UNET = {"fine_width": 0, "residual": False, "cel_steps": 0, "cel_print": False}
_DROPOUT = 0.5
_LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "scale": "weight",
    "mean": "running_mean",
    "var": "running_var",
}
"""PyTorch's names for the arrays of a layer."""
_WRAPPERS = ("module.", "_orig_mod.")  # of DataParallel, and of torch.compile
_COUNTED = ("num_batches_tracked",)
_OLD_INSTANCE = ("running_mean", "running_var")  # stored before PyTorch 0.4, but never used


class _Layer(NamedTuple):
    """The place of a layer in the state dict, and its kind: `conv`, `transposed` or `norm`."""

    place: str
    kind: str


Layers = dict[str, _Layer]
"""Layers by the names of this project's modules."""


def import_generator(
    path: str | Path, config: ml_collections.ConfigDict, *, paper_test: bool = False
) -> TrainedGenerator:
    """Imports a generator of PyTorch; its output stays the same.

    A generator with grey input gets an RGB input, which its first kernel converts to grey. A
    generator with grey output returns the output as RGB.

    Args:
      path: file with a state dict, `*_net_G.pth` or safetensors.
      config: a full configuration of a task from RGB to RGB; its `generator`,
        `inference.statistics` and `inference.dropout` are replaced, and for a network that enlarges
        its task as well.
      paper_test: whether BatchNorm and dropout work at test as in training (Isola et al. 2017,
        section 3.4), as they do in that project without `--eval`.

    Raises:
      PyTorchFileError: the file cannot be read, or holds another network.
      OSError: the file does not exist.
    """
    path = Path(path).expanduser()
    arrays = _unwrapped(read_state_dict(path))
    try:
        refuse_not_finite(arrays)
        if known := recognise(arrays):
            settings, table = known
            config = _enlarging(config, settings)
            variables = from_names(arrays, table, config.generator, config.dtype)
            return TrainedGenerator(config, variables, path)
        settings, layers = _recognise(arrays)
        arrays = _with_colours(arrays, layers)
        config = _configure(config, settings | _measure(arrays, layers), paper_test)
        variables = _convert(arrays, layers, config)
    except (UnknownError, NotFiniteError) as error:
        raise PyTorchFileError(
            f"{path} holds no generator that can be imported: {error}"
        ) from error
    return TrainedGenerator(config, variables, path)


def _unwrapped(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the arrays without the prefixes of PyTorch's wrappers, if all names have them."""
    for prefix in _WRAPPERS * 2:  # in any order
        if arrays and all(name.startswith(prefix) for name in arrays):
            arrays = {name.removeprefix(prefix): array for name, array in arrays.items()}
    return arrays


def _recognise(arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], Layers]:
    """Returns the kind and size of the network, as settings of a configuration, and its layers."""
    if "model.model.0.weight" in arrays:
        depth = next(d for d in range(1, len(arrays) + 1) if f"{_block(d)}.1.weight" not in arrays)
        if depth not in _DEPTHS:
            raise UnknownError(f"a U-Net of {depth} levels, not {_DEPTHS[0]} to {_DEPTHS[-1]}")
        # The arrays do not show whether a U-Net was trained with dropout; by default it was.
        settings = {"depth": depth, "dropout": _DROPOUT} | _PLAIN_UNET
        return {"name": "unet"} | settings, _unet_layers(depth)
    if "model.1.weight" in arrays:
        blocks = next(i for i in range(len(arrays)) if f"{_residual(i)}.1.weight" not in arrays)
        dropout = f"{_residual(0)}.5.weight" not in arrays
        settings = {"blocks": blocks, "dropout": _DROPOUT if dropout else 0.0}
        return {"name": "resnet"} | settings, _resnet_layers(blocks, dropout)
    raise UnknownError(
        "its arrays have other names than unet_*, resnet_*blocks, ESRGAN, Real-ESRGAN and SRResNet"
    )


def _block(level: int) -> str:
    """Returns the path of a U-Net's level, through all levels around it."""
    inner = ".3.model" * (level - 1)
    return f"model.model.1.model{inner}" if level else "model.model"


def _unet_layers(depth: int) -> Layers:
    layers = {}
    for level in range(depth):
        # An activation precedes each of the two; the block of the next level lies between them.
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
    for level in range(3):  # layer 0 is padding; an activation follows each pair
        layers.update(normalised(f"down{level}", "conv", "model", 1 + 3 * level))
    for i in range(blocks):
        layers.update(normalised(f"block{i}_0", "conv", _residual(i), 1))
        layers.update(normalised(f"block{i}_1", "conv", _residual(i), 5 + dropout))
    layers.update(normalised("up2", "transposed", "model", 10 + blocks))
    layers.update(normalised("up1", "transposed", "model", 13 + blocks))
    return layers | {"up0": _Layer(f"model.{17 + blocks}", "conv")}


def _with_colours(arrays: dict[str, np.ndarray], layers: Layers) -> dict[str, np.ndarray]:
    """Returns the arrays with grey input and output widened to RGB; the network stays the same."""
    first, weight, bias = (
        f"{layers[layer].place}.{leaf}"
        for layer, leaf in (("down0", "weight"), ("up0", "weight"), ("up0", "bias"))
    )
    for name in (first, weight):
        if name not in arrays or arrays[name].ndim != 4 or not arrays[name].size:
            raise UnknownError(f"it has no kernel {name}")
    axis = 1 if layers["up0"].kind == "transposed" else 0
    inputs, outputs = arrays[first].shape[1], arrays[weight].shape[axis]
    if inputs not in (1, 3) or outputs not in (1, 3):
        raise UnknownError(
            f"it returns {outputs} channels for images of {inputs}; only 3 (RGB) and 1 (grey) can "
            "be imported"
        )
    arrays = dict(arrays)
    if inputs == 1:
        arrays[first] = arrays[first] * LUMA[:, None, None]  # as in PIL's mode L
    if outputs == 1 and bias in arrays:
        arrays |= {weight: arrays[weight].repeat(3, axis), bias: arrays[bias].repeat(3)}
    return arrays


def _measure(arrays: dict[str, np.ndarray], layers: Layers) -> dict[str, Any]:
    """Returns the settings of a generator that follow from the shapes and names of its arrays."""
    width = arrays[f"{layers['down0'].place}.weight"].shape[0]
    norms = [layer.place for layer in layers.values() if layer.kind == "norm"]
    inner = [
        layer.place for name, layer in layers.items() if layer.kind != "norm" and name != "up0"
    ]
    norm = "none"
    if any(f"{place}.weight" in arrays for place in norms):
        norm = "batch"
    elif any(f"{place}.bias" in arrays for place in inner):  # only before an instance norm
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


def _enlarging(
    config: ml_collections.ConfigDict, generator: dict[str, Any]
) -> ml_collections.ConfigDict:
    """Returns a configuration of super-resolution, without a discriminator."""
    config = config.copy_and_resolve_references()
    with config.unlocked():
        config.task, config.generator = "super_resolution", ml_collections.ConfigDict(generator)
        config.degradation = config.get("degradation", "clean")
        config.inference.update(statistics="running", dropout=False)
        config.sizes.crop -= config.sizes.crop % config.generator.scale
        if "discriminator" in config:
            del config.discriminator, config.gan
            del config.loss_weights.gan, config.loss_weights.feature_matching
    return config


def _convert(
    arrays: dict[str, np.ndarray], layers: Layers, config: ml_collections.ConfigDict
) -> PyTree:
    """Returns the variables; raises an UnknownError if an array is missing or left over."""
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
        raise UnknownError(f"no layer has a place for {strangers[0]}")
    return unflatten_dict(found, sep="/")


def _unused(layers: Layers, norm: str) -> set[str]:
    """Returns the names of the arrays that a state dict may hold but that test does not use."""
    leaves = _COUNTED if norm == "batch" else _COUNTED + _OLD_INSTANCE
    places = [layer.place for layer in layers.values() if layer.kind == "norm"]
    return {f"{place}.{leaf}" for place in places for leaf in leaves}


def _take(
    left: dict[str, np.ndarray], layers: Layers, norm: str, name: str, shape: tuple[int, ...]
) -> np.ndarray:
    """Returns the array for a name of this project, and removes it from `left`."""
    _, module, *_, leaf = name.split("/")
    place, kind = layers[module]
    if not _has(module, kind, leaf, norm):
        return np.full(shape, leaf == "scale", np.float32)
    source = f"{place}.{_LEAVES[leaf]}"
    if source not in left:
        raise UnknownError(f"{source} is missing")
    array = left.pop(source)
    laid_out = _lay_out(array, kind) if array.ndim == 4 else array
    if laid_out.shape != shape or array.dtype.kind != "f":
        found = f"{source} is {array.dtype} {list(array.shape)}"
        raise UnknownError(f"{found}, which does not fit {name} {list(shape)}")
    return np.ascontiguousarray(laid_out, np.float32)


def _has(module: str, kind: str, leaf: str, norm: str) -> bool:
    """Returns whether that project's network has this array; if not, it is filled with 0 or 1."""
    if kind == "norm":
        return norm == "batch"
    return leaf == "kernel" or norm == "instance" or module == "up0"


def _lay_out(array: np.ndarray, kind: str) -> np.ndarray:
    """Returns a kernel as [kh, kw, in, out]."""
    if kind == "conv":
        return array.transpose(2, 3, 1, 0)
    # The first tap of a transposed kernel reaches up and left in PyTorch, down and right in Flax.
    return array[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)
