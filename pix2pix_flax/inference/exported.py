"""Runs exported generators with their own runtimes: `.onnx` on onnxruntime, `.stablehlo` on JAX.

This file does not import the project, so it can be copied to a deployment; it needs NumPy and the
runtime of the format. As a program it translates all arrays of an npz file:

    python exported.py FILE INPUT.npz OUTPUT.npz

A StableHLO file from elsewhere could crash or block a process while it is read. So a second process
reads it first, with a time limit, and refuses calls of native code (`python exported.py --check`).
"""

import concurrent.futures
import contextlib
import functools
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

Translate = Callable[[np.ndarray], np.ndarray]
"""(images uint8 RGB [B, H, W, 3], any B, H, W from 1) -> translated, uint8 RGB [B, sH, sW, 3]."""

_CHECK = "--check"
_CHECK_SECONDS = 60  # a file of 0.5 M parameters takes 4 s on a slow core, most of it for JAX
_NATIVE_CALLS = frozenset({"shape_assertion"})  # all that files of this project ask for
_OUTSIDE = frozenset(f"stablehlo.{name}" for name in ("infeed", "outfeed", "recv", "send"))


class ExportedFileError(ValueError):
    """A file cannot be run; the message is one line that names the file."""


def load_exported(path: str | Path) -> Translate:
    """Loads the generator of a file that ends in `.onnx` or `.stablehlo`.

    Neither format is a pickle: loading a file runs no Python code from it. The function that is
    returned raises an ExportedFileError too, if the runtime cannot run the file.

    Raises:
      ExportedFileError: the file is missing, damaged or of another format, calls native code, takes
        more than a minute to read, or its runtime is not installed.
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
        return _named(loaders[path.suffix](data), path)
    except ImportError as error:
        advice = "pip install 'pix2pix-flax[export]'"
        raise ExportedFileError(f"{path} cannot be run: {error} ({advice})") from error
    except Exception as error:  # Damaged bytes raise nearly any type, struct.error for instance.
        raise ExportedFileError(f"{path} is not an exported generator: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _named(translate: Translate, path: Path) -> Translate:
    """Returns the function with errors that name the file; runtimes raise nearly any type."""

    def call(images: np.ndarray) -> np.ndarray:
        try:
            return translate(images)
        except Exception as error:
            shape = list(np.shape(images))
            raise ExportedFileError(f"{path} fails on images {shape}: {_reason(error)}") from error

    return call


def _load_onnx(data: bytes) -> Translate:
    whole = _session(data, threads=cores())
    for side in (whole.get_inputs(), whole.get_outputs()):
        if [value.type for value in side] != ["tensor(uint8)"]:
            _refuse_signature()
        _check_shape(side[0].shape)
    name = whole.get_inputs()[0].name

    # Threads that share one image wait for each other after each layer, so a batch has one thread
    # for each image.
    @functools.cache
    def batches() -> tuple[Any, concurrent.futures.Executor]:
        return _session(data, threads=1), concurrent.futures.ThreadPoolExecutor(cores())

    def translate(images: np.ndarray) -> np.ndarray:
        if len(images) == 1 or cores() == 1:
            return whole.run(None, {name: images})[0]
        session, pool = batches()
        singles = (images[i : i + 1] for i in range(len(images)))
        results = pool.map(lambda single: session.run(None, {name: single})[0], singles)
        return np.concatenate(list(results))

    return translate


def _session(data: bytes, threads: int) -> Any:
    """Returns a session of onnxruntime that computes an image on so many threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # log errors only; they are raised as exceptions as well
    options.intra_op_num_threads = threads
    with contextlib.redirect_stdout(io.StringIO()):  # errors are printed and raised
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _load_stablehlo(data: bytes) -> Translate:
    import flatbuffers  # noqa: F401 (the check needs it)
    import jax
    from jax import export

    _check_elsewhere(data)
    exported = export.deserialize(bytearray(data))
    for side in (exported.in_avals, exported.out_avals):
        if [value.dtype for value in side] != [np.uint8]:
            _refuse_signature()
        _check_shape(side[0].shape)
    call = jax.jit(exported.call)  # compiles once per input size
    return lambda images: np.asarray(call(images))


def _check_elsewhere(data: bytes) -> None:
    """Raises a ValueError unless another process can read a StableHLO file, within the limit."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", Path(__file__).absolute(), _CHECK],
            input=data,
            env=os.environ | {"JAX_PLATFORMS": "cpu"},
            capture_output=True,
            timeout=_CHECK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"reading it takes more than {_CHECK_SECONDS} seconds") from error
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        crash = f"reading it ends the process (code {done.returncode})"
        raise ValueError(words[-1] if words and done.returncode > 0 else crash)


def _check_program(data: bytes) -> None:
    """Raises an error if a StableHLO file cannot be read or calls native code."""
    from jax import export
    from jax.extend.mlir import ir
    from jax.extend.mlir.dialects import stablehlo

    program = export.deserialize(bytearray(data)).mlir_module_serialized
    module = stablehlo.deserialize_portable_artifact(ir.Context(), program)

    def check(operation: ir.Operation) -> ir.WalkResult:
        called = operation.name
        if called == "stablehlo.custom_call":
            called = ir.StringAttr(operation.attributes["call_target_name"]).value
            if called in _NATIVE_CALLS:
                return ir.WalkResult.ADVANCE
        elif called not in _OUTSIDE:
            return ir.WalkResult.ADVANCE
        raise ValueError(f"it calls {called}, which is code outside the file")

    module.operation.walk(check)


def _check_shape(shape: Any) -> None:
    """Raises a ValueError unless a shape is [B, H, W, 3] with symbolic B, H and W."""
    if len(shape) != 4 or shape[3] != 3 or any(isinstance(size, int) for size in shape[:3]):
        _refuse_signature()


def _refuse_signature() -> NoReturn:
    raise ValueError("its input and output are not uint8 [B, H, W, 3] of any size")


def cores() -> int:
    """Returns the number of cores this process may use; onnxruntime would use all cores."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def main(path: str, inputs: str, outputs: str) -> None:
    """Translates all arrays of an npz file into another npz file, under the same names."""
    translate = load_exported(path)
    with np.load(inputs) as arrays:
        np.savez(outputs, **{name: translate(images) for name, images in arrays.items()})


if __name__ == "__main__":
    try:
        if sys.argv[1:] == [_CHECK]:
            _check_program(sys.stdin.buffer.read())
        else:
            main(*sys.argv[1:])
    except ExportedFileError as error:
        sys.exit(f"error: {error}")
