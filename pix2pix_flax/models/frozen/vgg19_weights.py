"""VGG19 from a file that the user names, read without running code.

Three kinds of files are known: torchvision's `vgg19-*.pth`, the same names as safetensors, and
Keras's `vgg19_weights_*.h5`, with or without its dense layers. Keras's network expects other levels
than torchvision's, so each kind brings its normalisation.
"""

from pathlib import Path
from typing import Any

import numpy as np

from cartoon_tfds.errors import one_line
from pix2pix_flax.models.frozen.pytorch_reader import read_state_dict
from pix2pix_flax.models.frozen.weights import WeightsError

_DEPTHS = (2, 2, 4, 4, 4)
_WIDTHS = (64, 128, 256, 512, 512)
# Mean and standard deviation of the levels 0..1 of ImageNet, and Keras's mean of the levels 0..255.
_TORCHVISION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_KERAS = (123.68, 116.779, 103.939)

Arrays = dict[str, np.ndarray]


def load_vgg19(path: str | Path) -> dict[str, Any]:
    """Returns the convolutions of VGG19, and the normalisation of their input.

    Args:
      path: a `.pth`, `.safetensors` or `.h5` file; dense layers in it are left out.

    Returns:
      `{'features': {'Conv_0': {'kernel', 'bias'}, ...}, 'shift', 'scale'}`, float32 NumPy arrays:
      kernels [3, 3, in, out] for RGB, biases [out]. The network takes (images - shift) / scale for
      images in [-1, 1]; both are [3].

    Raises:
      WeightsError: no file is named, or it is not VGG19's.
      OSError: the file does not exist.
    """
    if not path:
        raise WeightsError(
            "config.perceptual.net vgg19 needs config.perceptual.vgg19_file, the weights of VGG19: "
            "docs/super_resolution.md names the files"
        )
    path = Path(path).expanduser()
    is_keras = path.suffix in (".h5", ".hdf5")
    convolutions = _of_keras(path) if is_keras else _of_torchvision(path)
    features = {}
    shapes = _shapes()
    for index, ((kernel, bias), shape) in enumerate(zip(convolutions, shapes, strict=True)):
        if (kernel.shape, bias.shape) != (shape, shape[-1:]):
            raise WeightsError(
                f"{path} is not VGG19: convolution {index + 1} has a kernel {list(kernel.shape)}, "
                f"not {list(shape)}"
            )
        features[f"Conv_{index}"] = {
            "kernel": np.ascontiguousarray(kernel, np.float32),
            "bias": np.ascontiguousarray(bias, np.float32),
        }
    if not all(np.isfinite(leaf).all() for each in features.values() for leaf in each.values()):
        raise WeightsError(f"{path} has weights that are not finite (NaN or infinity)")
    return {"features": features, **_normalisation(is_keras)}


def _normalisation(is_keras: bool) -> Arrays:
    """Returns `shift` and `scale` for images in [-1, 1]."""
    mean, deviation = (np.divide(_KERAS, 255), np.full(3, 1 / 255)) if is_keras else _TORCHVISION
    return {
        "shift": np.float32(2 * np.asarray(mean) - 1),
        "scale": np.float32(2 * np.asarray(deviation)),
    }


def _shapes() -> list[tuple[int, int, int, int]]:
    """Returns the shapes of the 16 kernels."""
    widths = np.repeat(_WIDTHS, _DEPTHS).tolist()
    return [(3, 3, *pair) for pair in zip([3, *widths], widths, strict=False)]


def _of_torchvision(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    arrays = read_state_dict(path)
    found, layer = [], 0
    for depth in _DEPTHS:
        for _ in range(depth):
            names = [f"features.{layer}.{leaf}" for leaf in ("weight", "bias")]
            missing = [name for name in names if name not in arrays]
            if missing:
                raise WeightsError(f"{path} is not VGG19 of torchvision: {missing[0]} is missing")
            weight, bias = (arrays[name] for name in names)
            found.append((weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight, bias))
            layer += 2  # an activation follows
        layer += 1  # a pooling follows
    if f"features.{layer}.weight" in arrays:
        raise WeightsError(f"{path} is not VGG19 of torchvision: it has more layers")
    return found


def _of_keras(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    found = []
    with open(path, "rb"):  # h5py's error for a missing file names no file
        pass
    try:
        import h5py
    except ImportError as error:
        raise WeightsError(f"{path} needs the package h5py: pip install h5py") from error
    try:
        with h5py.File(path) as file:
            root = file.get("model_weights", file)
            for block, depth in enumerate(_DEPTHS, 1):
                for conv in range(1, depth + 1):
                    arrays = _arrays(root[f"block{block}_conv{conv}"])
                    kernel, bias = sorted(arrays, key=np.ndim, reverse=True)
                    found.append((kernel, bias))
    except Exception as error:  # A damaged file may raise nearly any type.
        raise WeightsError(f"{path} is not VGG19 of Keras: {one_line(error)}") from error
    first, bias = found[0]
    return [(first[:, :, ::-1], bias), *found[1:]]  # Keras's takes blue, green, red


def _arrays(group: Any) -> list[np.ndarray]:
    """Returns the arrays in a group of an HDF5 file and in the groups inside it."""
    found = []
    for item in group.values():
        found += _arrays(item) if hasattr(item, "values") else [item[()]]
    return found
