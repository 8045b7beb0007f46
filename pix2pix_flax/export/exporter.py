"""Exports a generator for other runtimes, and compares the file's output with the predictor's."""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import ml_collections
import numpy as np
import safetensors.numpy

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import atomic_write
from pix2pix_flax.export.stablehlo import to_stablehlo
from pix2pix_flax.inference import exported
from pix2pix_flax.inference.predictor import load_predictor, predictor_of
from pix2pix_flax.pretrained.generator import (
    METADATA,
    TrainedGenerator,
    describe,
    load_generator,
    to_safetensors,
)
from pix2pix_flax.pretrained.pytorch_import import import_generator
from pix2pix_flax.pretrained.super_resolution_names import UnknownError, to_names
from pix2pix_flax.tasks.resolution import Redrawn

_SIDE = 256  # pixels: side of the crops that are compared
_ODD = (147, 201)  # height and width of one more crop, no multiples of a stride
_LARGEST_DIFFERENCE = 1  # grey level: sums in another order may round to the next level
_HALF_DIFFERENCE = 0.1  # grey levels on average, of weights in float16


class ExportError(UserError):
    """A generator cannot be exported, or its file gives other images; the message is one line."""


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """An exported file, and its comparison with the predictor.

    Attributes:
      path: the exported file.
      size: size of the file in bytes.
      compared: number of images that both the file and the predictor translated.
      difference: largest difference between their outputs in grey levels.
      differing: number of output values that differ.
    """

    path: Path
    size: int
    compared: int
    difference: int
    differing: int

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.size / 2**20:.1f} MiB. On {self.compared} images it differs from"
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
    half: bool = False,
    overwrite: bool = False,
) -> ExportReport:
    """Exports the generator of a checkpoint, and compares the file's output with the predictor's.

    The file gets its name only after the comparison. StableHLO and ONNX files compute in float32,
    even if the network was trained in bfloat16, and are compared with the predictor in float32.
    These files are run in a separate process, which imports only their runtime. A StableHLO file
    draws every picture at its own size, so shrink large pictures to the working size of the network
    before.

    Args:
      checkpoint: a training run, a safetensors file or the name of a shipped generator; see
        `load_generator`.
      file_format: one of `FORMATS`.
      output: the file to write; ends in `.` and the name of the format, or a name in `SUFFIXES`.
        Missing folders are made.
      photographs: two or more images to compare on, uint8 RGB [H, W, 3] with H and W at least 1.
      style: name of a style of the checkpoint; None for its default or only style. StableHLO and
        ONNX files have this style only.
      half: whether a safetensors file stores the weights in float16. It is half as large; some
        values of an image differ by a few grey levels, where a tone or a line ends.
      overwrite: whether an existing output is replaced.

    Raises:
      ExportError: the network cannot be exported, a package is missing, the output exists, or the
        images differ by more than one grey level, or with `half` by more than 0.1 on average.
      StyleError: the checkpoint has no style of that name.
      CheckpointError: the path is not a checkpoint, or the checkpoint is damaged.
      GeneratorFileError: the file is damaged or is not a generator's file, or the generator makes
        images from noise.
    """
    output = Path(output)
    suffix = SUFFIXES.get(file_format, file_format)
    if output.suffix != f".{suffix}":
        raise ExportError(f"--output={output} does not end in .{suffix}")
    if output.exists() and not overwrite:
        raise ExportError(f"{output} exists already (--overwrite replaces it)")
    if half and file_format != "safetensors":
        raise ExportError(f"--half is for safetensors files, not for {file_format}")
    write, run, dtype = FORMATS[file_format]
    generator = _prepare(load_generator(checkpoint).of_images().in_style(style), dtype)
    if file_format == "stablehlo" and isinstance(generator.task.resolution, Redrawn):
        generator = generator.in_size(0)  # one program runs all sizes, so no part depends on them
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(output) as partial:
        partial.write_bytes(write(generator, *(["float16"] if half else [])))
        return _compare(generator, partial, output, run, _batches(photographs), half=half)


def onnx_bytes(generator: TrainedGenerator) -> bytes:
    """Returns the ONNX file of a generator of images, in its style, which is not compared.

    Raises:
      ExportError: the network cannot be exported, or a package is missing.
    """
    return _write_onnx(_prepare(generator, "float32"))


def _prepare(generator: TrainedGenerator, dtype: str | None) -> TrainedGenerator:
    """Returns the generator in the dtype of the file; refuses one that cannot be exported."""
    config = generator.config.copy_and_resolve_references()
    if config.inference.statistics != "running" or config.inference.dropout:
        raise ExportError(
            f"{generator.origin} cannot be exported: its network takes statistics from each test "
            "image or uses dropout at test (config.inference), which an exported file cannot do"
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
            f"{generator.origin} cannot be exported to StableHLO: its network shrinks large images "
            "to config.sizes.inference, and one program must run all sizes; export to safetensors "
            "instead"
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
            "no ONNX graph is known for networks whose input or output is not RGB, e.g. for "
            "colourisation; export to another format"
        )
    return to_onnx(
        module,
        generator.variables,
        {METADATA: describe(generator.config)},
        scale=resolution.scale,
        border=resolution.border,
        planes=list(representation.planes),
        working_size=resolution.size if isinstance(resolution, Redrawn) else 0,
    )


def _write_pytorch(generator: TrainedGenerator) -> bytes:
    try:
        arrays = to_names(generator.variables, generator.config.generator)
    except UnknownError as error:
        raise ExportError(f"{generator.origin} cannot be exported: {error}") from error
    return safetensors.numpy.save(arrays, metadata={METADATA: describe(generator.config)})


def _missing(error: ImportError) -> ExportError:
    return ExportError(f"nothing was exported: {error} (pip install 'pix2pix-flax[export]')")


def _run_alone(file: Path, batches: list[np.ndarray]) -> list[np.ndarray]:
    """Runs a file on the CPU, in a fresh process that does not import this package."""
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder, "inputs.npz"), Path(folder, "outputs.npz")
        np.savez(inputs, *batches)
        done = subprocess.run(
            # -P: modules next to exported.py must not hide others of the same names.
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


def _run_imported(file: Path, batches: list[np.ndarray]) -> list[np.ndarray]:
    with safetensors.safe_open(file, framework="numpy") as opened:
        config = ml_collections.ConfigDict(json.loads(opened.metadata()[METADATA]))
    predict = predictor_of(import_generator(file, config))
    return [predict(images) for images in batches]


FORMATS: dict[str, tuple[Callable, Callable, str | None]] = {
    "stablehlo": (_write_stablehlo, _run_alone, "float32"),
    "onnx": (_write_onnx, _run_alone, "float32"),
    "safetensors": (to_safetensors, _run_rebuilt, None),
    "pytorch": (_write_pytorch, _run_imported, "float32"),
}
"""Per format: the function that writes a file, the function that runs it, and its dtype.

None is the dtype of the configuration.
"""

SUFFIXES = {"pytorch": "safetensors"}
"""Suffixes of formats that have another name."""


def _batches(photographs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns batches uint8 [B, H, W, 3]: pairs of crops, a crop of odd size, and one pixel."""
    middles = [_middle(photo, _SIDE, _SIDE) for photo in photographs]
    pairs = zip(middles[::2], middles[1::2], strict=False)
    whole = [np.stack(pair) for pair in pairs if pair[0].shape == pair[1].shape]
    odd = np.ascontiguousarray(_middle(photographs[0], *_ODD)[None])
    return [*whole, odd, odd[:, :1, :1]]


def _middle(image: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = max(0, image.shape[0] - height) // 2, max(0, image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def _compare(
    generator: TrainedGenerator,
    file: Path,
    output: Path,
    run: Callable,
    batches: list[np.ndarray],
    *,
    half: bool,
) -> ExportReport:
    predict = predictor_of(generator)
    found = run(file, batches)
    wanted = [predict(images) for images in batches]
    if [a.shape for a in found] != [b.shape for b in wanted]:
        raise ExportError(f"{output} was not kept: its images have another size")
    differences = np.concatenate(
        [np.abs(a.astype(int) - b).ravel() for a, b in zip(found, wanted, strict=True)]
    )
    largest = int(differences.max())
    if differences.mean() > _HALF_DIFFERENCE if half else largest > _LARGEST_DIFFERENCE:
        raise ExportError(
            f"{output} was not kept: it differs from the predictor by {largest} of 255 grey levels"
        )
    count, differing = sum(map(len, batches)), int(np.count_nonzero(differences))
    return ExportReport(output, file.stat().st_size, count, largest, differing)
