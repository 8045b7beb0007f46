"""Runs exported generators with their own runtimes: `.onnx` on onnxruntime, `.stablehlo` on JAX.

This file imports nothing of the project, so that it may be copied to where a generator is deployed;
it needs NumPy and the one runtime. As a program it translates a file of arrays:

    python exported.py FILE INPUT.npz OUTPUT.npz
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

Translate = Callable[[np.ndarray], np.ndarray]
"""From uint8 RGB [B, H, W, 3], any size from 1, to the translated pictures, the same."""


class ExportedFileError(ValueError):
    """A file that cannot be run; its message is one line that names it."""


def load_exported(path: str | Path) -> Translate:
    """Returns the generator of a file that ends in `.onnx` or `.stablehlo`.

    Neither format is a pickle: nothing in the file is run as Python.

    Raises:
      ExportedFileError: where it is no such file, or its runtime is not installed.
    """
    path = Path(path)
    loaders = {".onnx": _load_onnx, ".stablehlo": _load_stablehlo}
    if path.suffix not in loaders:
        raise ExportedFileError(f"{path} does not end in {' or '.join(loaders)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ExportedFileError(f"{path}: {error.strerror}") from error
    try:
        return loaders[path.suffix](data)
    except ImportError as error:
        advice = "pip install 'pix2pix-flax[export]'"
        raise ExportedFileError(f"{path} cannot be run: {error} ({advice})") from error
    except Exception as error:  # Damaged bytes raise nearly any type, struct.error for instance.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ExportedFileError(f"{path} is not an exported generator: {reason}") from error


def _load_onnx(data: bytes) -> Translate:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; they are raised as well
    options.intra_op_num_threads = _cores()
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(data, options, providers=providers)
    for side in (session.get_inputs(), session.get_outputs()):
        if [value.type for value in side] != ["tensor(uint8)"]:
            _refuse_signature()
        _check_shape(side[0].shape)
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def _load_stablehlo(data: bytes) -> Translate:
    import jax
    from jax import export

    exported = export.deserialize(bytearray(data))
    for side in (exported.in_avals, exported.out_avals):
        if [value.dtype for value in side] != [np.uint8]:
            _refuse_signature()
        _check_shape(side[0].shape)
    call = jax.jit(exported.call)  # one compilation a size
    return lambda images: np.asarray(call(images))


def _check_shape(shape: Any) -> None:
    """Raises a ValueError where a shape is not [B, H, W, 3] with names for what is not fixed."""
    if len(shape) != 4 or shape[3] != 3 or any(isinstance(size, int) for size in shape[:3]):
        _refuse_signature()


def _refuse_signature() -> NoReturn:
    raise ValueError("it does not take and give uint8 [B, H, W, 3]")


def _cores() -> int:
    """Returns how many cores this process may use; onnxruntime would count the machine's."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def main(path: str, inputs: str, outputs: str) -> None:
    """Writes the translations of all arrays of an npz file into another, under the same names."""
    translate = load_exported(path)
    with np.load(inputs) as arrays:
        np.savez(outputs, **{name: translate(images) for name, images in arrays.items()})


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ExportedFileError as error:
        sys.exit(f"error: {error}")
