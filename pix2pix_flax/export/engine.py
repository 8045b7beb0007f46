"""Shipped networks on onnxruntime, the fastest engine on CPUs.

The ONNX file of a network is made once, by the exporter of this package, and kept in the user's
cache folder. Once it is there, no JAX is imported.
"""

import contextlib
import hashlib
import importlib.util
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.cache import cache_folder, keep
from pix2pix_flax.inference.exported import ExportedFileError, Translate, cores, load_exported
from pix2pix_flax.inference.tiling.memory import host_bytes
from pix2pix_flax.inference.translator import Network, check_images
from pix2pix_flax.pretrained.shipped_files import read_config, shipped_file

# Bytes of memory for each pixel that the networks lite and lite_x4 draw, up to 630 and 380 by
# measurement, and for each pixel of a drawing that lite enlarges.
_DRAWN_BYTES, _ENLARGED_BYTES = 700, 120


class OnnxNetwork:
    """A shipped network on onnxruntime; another engine takes images too large for memory.

    Attributes:
      colours, takes_hints: see `translator.Network`.
    """

    colours = takes_hints = False

    def __init__(self, translate: Translate, size: int, make_tiled: Callable[[], Network]):
        """Finds the scale of the network.

        Args:
          translate: the network.
          size: short side in pixels at which the network draws larger images; 0: at their own.
          make_tiled: makes the same network on the other engine, when it is first needed.
        """
        self._translate, self._size, self._make_tiled = translate, size, make_tiled
        self._tiled: Network | None = None
        self._scale = translate(np.zeros((1, 8, 8, 3), np.uint8)).shape[1] // 8

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Translates uint8 RGB [B, H, W, 3] to uint8 RGB [B, sH, sW, 3].

        Raises:
          ValueError: `images` has another dtype or shape.
        """
        images = check_images(images)
        free = host_bytes()
        if free is None or self._bytes(*images.shape[:3]) <= free:
            return self._translate(images)
        if self._tiled is None:
            self._tiled = self._make_tiled()
        return self._tiled(images)

    @property
    def summary(self) -> str:
        """One line that says how images were tiled; empty if no image was tiled."""
        return self._tiled.summary if self._tiled else ""

    def _bytes(self, count: int, height: int, width: int) -> float:
        """Returns the memory that images need, in bytes."""
        pixels = min(count, cores()) * height * width * self._scale**2
        smaller = max(1, round(min(height, width) / self._size)) if self._size else 1
        return pixels * (_DRAWN_BYTES / smaller**2 + _ENLARGED_BYTES)


def load_on_cpu(checkpoint: str, make_tiled: Callable[[], Network]) -> OnnxNetwork | None:
    """Returns a shipped network on onnxruntime where this is its fastest engine, else None.

    It is the fastest on machines without an accelerator for JAX, if onnxruntime runs there. A
    network that gives colours stays on JAX, where it takes hints.

    Args:
      checkpoint: a name in `SHIPPED`, or another checkpoint, for which None is returned.
      make_tiled: see `OnnxNetwork`.
    """
    path = shipped_file(checkpoint)
    if path is None or not importlib.util.find_spec("onnxruntime") or has_accelerator():
        return None
    config = read_config(path)
    if config.task == "colourisation":
        return None
    try:
        translate = load_exported(onnx_of(path))
    except (ExportedFileError, UserError):  # e.g. no package onnx, which writes the file
        return None
    return OnnxNetwork(translate, config.sizes.inference, make_tiled)


def has_accelerator() -> bool:
    """Returns whether JAX has another device than the CPU; imports JAX only if it may have one."""
    if os.environ.get("JAX_PLATFORMS") == "cpu":
        return False
    if not any(map(importlib.util.find_spec, ("jax_plugins", "libtpu"))):
        return False
    import jax

    return jax.default_backend() != "cpu"


def onnx_of(path: Path) -> Path:
    """Returns the ONNX file of a generator's safetensors file; makes it if the cache has none.

    The file does not exist if the cache folder cannot be written.

    Raises:
      ExportError: the package onnx is missing, or the network has no ONNX graph.
    """
    stem = _stem(path)
    return _kept(stem) or _keep(stem, _exported(path))


def load_shipped_onnx(path: Path) -> Translate:
    """Loads a generator's safetensors file on onnxruntime, also without a cache folder.

    Raises:
      ExportError: the package onnx is missing, or the network has no ONNX graph.
      ExportedFileError: onnxruntime is not installed.
    """
    stem = _stem(path)
    if file := _kept(stem):
        return load_exported(file)
    file = _keep(stem, data := _exported(path))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / file.name
        file.write_bytes(data)
        return load_exported(file)


def _stem(path: Path) -> str:
    """Returns the beginning of the names of a generator's ONNX files."""
    return f"{path.stem}-{_digest(path)}"


def _kept(stem: str) -> Path | None:
    """Returns the ONNX file in the cache, None if there is none; a damaged one is removed."""
    for file in cache_folder("onnx").glob(f"{stem}-*.onnx"):
        with contextlib.suppress(OSError):
            if file.name == _name(stem, file.read_bytes()):
                return file
            file.unlink()
    return None


def _keep(stem: str, data: bytes) -> Path:
    keep(file := cache_folder("onnx") / _name(stem, data), data)
    return file


def _name(stem: str, data: bytes) -> str:
    """Returns the name of an ONNX file, which ends in the digest of its bytes."""
    return f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}.onnx"


def _exported(path: Path) -> bytes:
    from pix2pix_flax.export.exporter import onnx_bytes
    from pix2pix_flax.pretrained.generator import load_generator

    return onnx_bytes(load_generator(path))


def _digest(path: Path) -> str:
    """Returns 16 digits that change with the weights, the networks and the exporter."""
    digest = hashlib.sha256(path.read_bytes())
    package = Path(__file__).parents[1]
    for folder in ("export", "image", "models", "tasks"):
        for source in sorted((package / folder).rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
