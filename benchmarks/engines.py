"""Times a network on the engines of the commands, on the CPU, in batches as of a clip.

    python -m benchmarks.engines --checkpoint=lite
    python -m benchmarks.engines --checkpoint=DIR --exported=FILE.onnx --batch_size=1
    python -m benchmarks.engines --checkpoint=DIR --exported=FILE.onnx --torch

`--torch` adds the same U-Net in plain PyTorch, of `config.generator.cel_steps` 0; its weights are
random, for they take no part in the time.

The engines take turns, and the best turn counts, because the machine may be shared. CPU is the time
of all cores; unlike frames a second, it hardly depends on other work.
"""

import time

import jax
import ml_collections
import numpy as np
from absl import flags

from cartoon_tfds.errors import UserError
from pix2pix_flax.cli import checkpoint_flag, command
from pix2pix_flax.cli.checkpoint_flag import CHECKPOINT
from pix2pix_flax.export.engine import onnx_of
from pix2pix_flax.inference.exported import Translate, load_exported
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.pretrained.shipped_files import shipped_file

_EXPORTED = flags.DEFINE_string(
    "exported", None, "The same network as an .onnx file; not needed for shipped networks."
)
_TORCH = flags.DEFINE_bool("torch", False, "Times PyTorch too (extra `benchmark`).")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 4, "Frames in a call.", lower_bound=1)
_CALLS = flags.DEFINE_integer("calls", 4, "Calls in a turn.", lower_bound=1)
_TURNS = flags.DEFINE_integer("turns", 5, "Turns of each engine.", lower_bound=1)
_SIZES = flags.DEFINE_list(
    "sizes", ["256x256", "512x512", "720x1280"], "Sizes of the frames, height x width."
)


def exported() -> Translate:
    """Returns the network on onnxruntime."""
    shipped = shipped_file(CHECKPOINT.value)
    if not shipped and not _EXPORTED.value:
        raise UserError(f"name the ONNX file of {CHECKPOINT.value} with --exported")
    return load_exported(_EXPORTED.value or onnx_of(shipped))


def in_torch(config: ml_collections.ConfigDict) -> Translate:
    """Returns a U-Net of this configuration in PyTorch, with random weights."""
    import torch

    from benchmarks.torch_pix2pix import unet

    if config.generator.cel_steps:
        raise UserError("--torch needs a checkpoint of config.generator.cel_steps 0")
    net = unet(config).eval()

    def translate(frames: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            images = torch.from_numpy(frames).permute(0, 3, 1, 2) / 127.5 - 1
            pixels = (net(images) * 127.5 + 127.5).round().clamp(0, 255)
            return pixels.to(torch.uint8).permute(0, 2, 3, 1).numpy()

    return translate


def timed(translate: Translate, frames: np.ndarray) -> tuple[float, float]:
    """Returns the seconds and the CPU seconds of a frame in one turn."""
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(_CALLS.value):
        translate(frames)
    count = _CALLS.value * len(frames)
    return (time.perf_counter() - start) / count, (time.process_time() - cpu) / count


def main(argv: list[str]) -> None:
    """Prints a line for each size and engine."""
    del argv
    jax.config.update("jax_platforms", "cpu")
    predictor = load_predictor(CHECKPOINT.value)
    engines = {"jax": predictor, "onnxruntime": exported()}
    if _TORCH.value:
        engines["pytorch"] = in_torch(predictor.config)
    for size in _SIZES.value:
        shape = (_BATCH_SIZE.value, *map(int, size.split("x")), 3)
        frames = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        outputs = [translate(frames).astype(int) for translate in engines.values()]  # compiles
        turns = {name: [] for name in engines}
        for _ in range(_TURNS.value):
            for name, translate in engines.items():
                turns[name].append(timed(translate, frames))
        for name, times in turns.items():
            wall, cpu = np.min(times, axis=0)
            print(f"{size} {name}: {1 / wall:.1f} frames/s, {1e3 * cpu:.1f} ms of CPU a frame")
        difference = abs(outputs[0] - outputs[1]).max()
        print(f"{size}: jax and onnxruntime differ by {difference} of 255", flush=True)


if __name__ == "__main__":
    flags.adopt_module_key_flags(checkpoint_flag)
    flags.set_default(CHECKPOINT, "lite")
    command.run(main)
