"""SPAN as PyTorch projects store it (Wan et al. 2023, arXiv:2311.12770).

Each 3x3 convolution is four in training (section 3.3). `Conv3XC` holds `conv.0` (1x1, to twice the
channels), `conv.1` (3x3) and `conv.2` (1x1), which follow each other, `sk` (1x1), which is added,
and `eval_conv`, the 3x3 convolution that has the same output. Without padding in between, the four
are linear, so one convolution is enough.

The network there does not add its enlarged input, so the input takes channels of its own. If it
subtracts the mean colour, it also multiplies by 255.
"""

import re

import numpy as np

from pix2pix_flax.models.span import MEAN

_MERGED = ".eval_conv"
_RGB = 3
_LEVELS = 255  # factor of the input of a network that subtracts the mean colour
_FIRST = "params/first/kernel"
_MIXED = 4  # feature maps that the convolution `mix` takes
_PARTS = re.compile(r"(.*)\.(?:sk|conv\.[012]|eval_conv)\.(?:weight|bias)$")

Arrays = dict[str, np.ndarray]


def merge(arrays: Arrays) -> Arrays:
    """Returns a state dict in which each `Conv3XC` has its `eval_conv` alone.

    `eval_conv` is computed anew, as it is in PyTorch: in a file it may be older than the rest.

    Args:
      arrays: the state dict of any network; kernels are [out, in, height, width].
    """
    layers = {name.removesuffix(f"{_MERGED}.weight") for name in arrays if _MERGED in name}
    merged = {
        name: array
        for name, array in arrays.items()
        if not ((found := _PARTS.match(name)) and found[1] in layers)
    }
    for layer in sorted(name for name in layers if f"{name}.sk.weight" in arrays):
        first, last = (arrays[f"{layer}.conv.{i}.weight"][..., 0, 0] for i in (0, 2))
        kernel = np.einsum("om,mnhw,ni->oihw", last, arrays[f"{layer}.conv.1.weight"], first)
        kernel[..., 1, 1] += arrays[f"{layer}.sk.weight"][..., 0, 0]
        biases = [arrays[f"{layer}.{part}.bias"] for part in ("conv.0", "conv.1", "conv.2", "sk")]
        middle = arrays[f"{layer}.conv.1.weight"].sum((2, 3)) @ biases[0] + biases[1]
        merged[f"{layer}{_MERGED}.weight"] = kernel
        merged[f"{layer}{_MERGED}.bias"] = last @ middle + biases[2] + biases[3]
    return merged


def split(arrays: Arrays) -> Arrays:
    """Inverse of `merge`: adds the parts of each `eval_conv`; `conv.0` and `conv.2` pass it on."""
    found = dict(arrays)
    for name in [name for name in arrays if name.endswith(f"{_MERGED}.weight")]:
        layer = name.removesuffix(f"{_MERGED}.weight")
        kernel, bias = arrays[name], arrays[f"{layer}{_MERGED}.bias"]
        outputs, inputs = kernel.shape[:2]
        twice = np.zeros((2 * outputs, 2 * inputs, *kernel.shape[2:]), np.float32)
        twice[:outputs, :inputs] = kernel
        parts = {
            "conv.0": (_square(2 * inputs, inputs), np.zeros(2 * inputs)),
            "conv.1": (twice, np.pad(bias, (0, outputs))),
            "conv.2": (_square(outputs, 2 * outputs), np.zeros(outputs)),
            "sk": (np.zeros((outputs, inputs, 1, 1)), np.zeros(outputs)),
        }
        for part, (part_kernel, part_bias) in parts.items():
            found[f"{layer}.{part}.weight"] = part_kernel.astype(np.float32)
            found[f"{layer}.{part}.bias"] = part_bias.astype(np.float32)
    return found


def to_stored(arrays: Arrays, generator) -> Arrays:
    """Returns the arrays of the network that PyTorch projects have and that computes the same.

    Args:
      arrays: kernels [height, width, in, out] and biases of a `Span`, by paths such as
        `params/first/kernel`.
      generator: `config.generator`.
    """
    mean = MEAN if generator.centred else (0.0,) * _RGB
    found = _without_residual(arrays, generator.scale, mean) if generator.residual else arrays
    return found | {_FIRST: found[_FIRST] / _LEVELS} if generator.centred else found


def from_stored(arrays: Arrays, generator) -> Arrays:
    """Inverse of `to_stored` for a network without `residual`."""
    return arrays | {_FIRST: arrays[_FIRST] * _LEVELS} if generator.centred else arrays


def _without_residual(arrays: Arrays, scale: int, mean: tuple[float, ...]) -> Arrays:
    """Returns a network in which three channels pass the input on, less the mean colour."""
    found = {}
    for path, array in arrays.items():
        _, layer, leaf = path.split("/")
        new = _RGB if layer != "out" else 0
        if leaf == "bias":
            shift = np.tile(np.float32(mean), scale**2) if layer == "out" else 0
            found[path] = np.pad(array, (0, new)) + shift
            continue
        groups = {"first": 0, "mix": _MIXED}.get(layer, 1)
        wide = _with_inputs(array, groups) if groups else array
        wide = np.pad(wide, ((0, 0), (0, 0), (0, 0), (0, new)))
        height, width, inputs, _ = wide.shape
        middle = wide[height // 2, width // 2]
        if layer == "first":
            middle[:, -_RGB:] = np.eye(_RGB)
        elif layer == "mix":
            middle[inputs // _MIXED - _RGB : inputs // _MIXED, -_RGB:] = np.eye(_RGB)
        elif layer == "out":
            middle[-_RGB:] = np.tile(np.eye(_RGB), scale**2)
        found[path] = wide
    return found


def _with_inputs(kernel: np.ndarray, groups: int) -> np.ndarray:
    """Returns the kernel with three more inputs, of weight 0, at the end of each group."""
    parts = np.split(kernel, groups, axis=2)
    wide = [np.pad(part, ((0, 0), (0, 0), (0, _RGB), (0, 0))) for part in parts]
    return np.concatenate(wide, axis=2)


def _square(outputs: int, inputs: int) -> np.ndarray:
    """Returns a 1x1 kernel that passes the first channels on."""
    return np.eye(outputs, inputs)[..., None, None]
