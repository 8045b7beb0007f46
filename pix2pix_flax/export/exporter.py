"""Writes a generator for other runtimes, and holds the file against the predictor at once."""

import contextlib
import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jax
import numpy as np

from pix2pix_flax.export.stablehlo import to_stablehlo
from pix2pix_flax.inference import exported
from pix2pix_flax.inference.predictor import Predictor, load_predictor
from pix2pix_flax.pretrained.generator import (
    METADATA,
    TrainedGenerator,
    describe,
    load_generator,
    to_safetensors,
)

_SIDE = 256  # of the photographs that are compared
_ODD = (147, 201)
_LARGEST_DIFFERENCE = 1  # of 255 grey levels: sums in another order round to a neighbour


class ExportError(ValueError):
    """A generator that cannot be exported, or a file that differs; its message is one line."""


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """What was written.

    Attributes:
      path: the file.
      size: in bytes.
      compared: pictures that were translated by the file and by the predictor.
      difference: the largest between them in grey levels, 0 or 1.
      differing: how many of their values differ at all.
    """

    path: Path
    size: int
    compared: int
    difference: int
    differing: int

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.size / 2**20:.1f} MiB. On {self.compared} pictures it differs from"
            f" the predictor by at most {self.difference} of 255 grey levels"
            f" (in {self.differing} values)."
        )


def export_generator(
    checkpoint: str | Path,
    file_format: str,
    output: str | Path,
    photographs: Sequence[np.ndarray],
    *,
    style: str | None = None,
    overwrite: bool = False,
) -> ExportReport:
    """Writes the generator of a checkpoint, and compares the file's pictures with the predictor's.

    The file appears under its name once it is found to be right. StableHLO and ONNX files compute
    in float32 also where the network was trained in bfloat16, and are compared with the predictor
    in float32. Each is run in a process of its own, which imports its runtime alone.

    Args:
      checkpoint: a training run, a safetensors file or a name; see `generators.load_generator`.
      file_format: one of `FORMATS`.
      output: ends in `.` and the format's name; missing folders are made.
      photographs: uint8 RGB [H, W, 3], two or more, H and W at least 1.
      style: of those of the checkpoint; None: that of its configuration, or its only one. StableHLO
        and ONNX files draw in it alone.
      overwrite: whether an existing output is replaced.

    Raises:
      ExportError: the network cannot be exported, a package is missing, or the pictures differ by
        more than one grey level.
      StyleError: the checkpoint has no such style.
      CheckpointError: there is no checkpoint, or it is damaged.
      GeneratorFileError: likewise, of a file.
    """
    output = Path(output)
    if output.suffix != f".{file_format}":
        raise ExportError(f"--output={output} does not end in .{file_format}")
    if output.exists() and not overwrite:
        raise ExportError(f"{output} is there already (--overwrite replaces it)")
    write, run, dtype = FORMATS[file_format]
    generator = _prepare(load_generator(checkpoint).of_images().in_style(style), dtype)
    output.parent.mkdir(parents=True, exist_ok=True)
    with _appearing(output) as partial:
        partial.write_bytes(write(generator))
        return _compare(generator, partial, output, run, _batches(photographs))


def _prepare(generator: TrainedGenerator, dtype: str | None) -> TrainedGenerator:
    """Returns the generator as it is to be computed."""
    config = generator.config.copy_and_resolve_references()
    if config.inference.statistics != "running" or config.inference.dropout:
        raise ExportError(
            f"{generator.origin} cannot be exported: its network takes statistics from each test "
            "image or drops features out at test (config.inference); exported ones do neither"
        )
    config.dtype = dtype or config.dtype
    return dataclasses.replace(generator, config=config)


def _write_stablehlo(generator: TrainedGenerator) -> bytes:
    try:
        return to_stablehlo(generator.task.predict, generator.variables, generator.stride)
    except ImportError as error:
        raise _missing(error) from error
    except jax.errors.InconclusiveDimensionOperation as error:
        raise ExportError(
            f"{generator.origin} cannot be exported to StableHLO: its network sees large pictures "
            "reduced (config.sizes.inference), and one program is for all sizes"
        ) from error


def _write_onnx(generator: TrainedGenerator) -> bytes:
    try:
        from pix2pix_flax.export.onnx.networks import NETWORKS, to_onnx
    except ImportError as error:
        raise _missing(error) from error
    task, module = generator.task, generator.task.module
    if type(module) not in NETWORKS:
        known = ", ".join(network.__name__ for network in NETWORKS)
        raise ExportError(f"no ONNX graph is known for {type(module).__name__}, only for {known}")
    representation, resolution = task.representation, task.resolution
    channels = representation.input_channels, module.out_channels
    if channels != (3, 3) or representation.legend:
        raise ExportError(
            "no ONNX graph is known for networks that return no RGB, such as colours, or see none"
        )
    return to_onnx(
        module,
        generator.variables,
        {METADATA: describe(generator.config)},
        scale=resolution.scale,
        border=resolution.border,
        planes=list(representation.planes),
    )


def _missing(error: ImportError) -> ExportError:
    return ExportError(f"nothing was exported: {error} (pip install 'pix2pix-flax[export]')")


def _run_alone(file: Path, batches: list[np.ndarray]) -> list[np.ndarray]:
    """Translates in a fresh process, on the CPU, where nothing of this package is imported."""
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder, "inputs.npz"), Path(folder, "outputs.npz")
        np.savez(inputs, *batches)
        done = subprocess.run(
            # -P: this folder's modules must not hide others of the same names.
            [sys.executable, "-P", exported.__file__, file.absolute(), inputs, outputs],
            env=os.environ | {"JAX_PLATFORMS": "cpu"},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ExportError((done.stderr.strip().splitlines() or ["no output"])[-1])
        with np.load(outputs) as arrays:
            return [arrays[f"arr_{i}"] for i in range(len(batches))]


def _run_rebuilt(file: Path, batches: list[np.ndarray]) -> list[np.ndarray]:
    predict = load_predictor(file)
    return [predict(images) for images in batches]


FORMATS: dict[str, tuple[Callable, Callable, str | None]] = {
    "stablehlo": (_write_stablehlo, _run_alone, "float32"),
    "onnx": (_write_onnx, _run_alone, "float32"),
    "safetensors": (to_safetensors, _run_rebuilt, None),
}
"""How each format is written, how a file of it is run, and the dtype that it computes in."""


def _batches(photographs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns uint8 [B, H, W, 3]: pairs of photographs, an odd size, and one pixel."""
    middles = [_middle(photo, _SIDE, _SIDE) for photo in photographs]
    pairs = zip(middles[::2], middles[1::2], strict=False)
    whole = [np.stack(pair) for pair in pairs if pair[0].shape == pair[1].shape]
    odd = np.ascontiguousarray(_middle(photographs[0], *_ODD)[None])
    return [*whole, odd, odd[:, :1, :1]]


def _middle(image: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = max(0, image.shape[0] - height) // 2, max(0, image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def _compare(
    generator: TrainedGenerator, file: Path, output: Path, run: Callable, batches: list[np.ndarray]
) -> ExportReport:
    predict = Predictor(generator.task.predict, generator.variables, generator.stride)
    found = run(file, batches)
    wanted = [predict(images) for images in batches]
    if [a.shape for a in found] != [b.shape for b in wanted]:
        raise ExportError(f"{output} was not kept: its pictures have another size")
    differences = np.concatenate(
        [np.abs(a.astype(int) - b).ravel() for a, b in zip(found, wanted, strict=True)]
    )
    largest = int(differences.max())
    if largest > _LARGEST_DIFFERENCE:
        raise ExportError(
            f"{output} was not kept: it differs from the predictor by {largest} of 255 grey levels"
        )
    count, differing = sum(map(len, batches)), int(np.count_nonzero(differences))
    return ExportReport(output, file.stat().st_size, count, largest, differing)


@contextlib.contextmanager
def _appearing(output: Path) -> Iterator[Path]:
    """Gives a name to write to; the file takes its own name where no error is raised."""
    partial = output.with_name(f".{output.stem}.{os.getpid()}{output.suffix}")
    try:
        yield partial
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
