"""Times a network on the engines of `scripts/translate_video.py`, on the CPU, one frame per call.

    python -m benchmarks.engines --checkpoint=DIR --exported=FILE.onnx

The shortest of many calls counts, and the engines take turns, because the machine may be shared.
A turn has ten calls, because the threads of onnxruntime keep spinning for a while after a call.
"""

import time

import jax
import numpy as np
from absl import flags

from pix2pix_flax.cli import checkpoint_flag, command
from pix2pix_flax.cli.checkpoint_flag import CHECKPOINT
from pix2pix_flax.inference.exported import Translate, load_exported
from pix2pix_flax.inference.predictor import load_predictor

_EXPORTED = flags.DEFINE_string(
    "exported", None, "The same network as an .onnx file.", required=True
)
_TURNS = flags.DEFINE_integer("turns", 10, "Turns of ten calls for each engine.", lower_bound=1)
_SIZES = flags.DEFINE_list(
    "sizes", ["256x256", "250x251", "512x512"], "Image sizes, height x width."
)


def seconds(translate: Translate, image: np.ndarray) -> float:
    """Returns the duration of one call in seconds."""
    start = time.perf_counter()
    translate(image)
    return time.perf_counter() - start


def main(argv: list[str]) -> None:
    """Prints a line for each size and engine."""
    del argv
    jax.config.update("jax_platforms", "cpu")
    engines = {
        "jax": load_predictor(CHECKPOINT.value),
        "onnxruntime": load_exported(_EXPORTED.value),
    }
    for size in _SIZES.value:
        shape = (1, *map(int, size.split("x")), 3)
        image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        least = dict.fromkeys(engines, float("inf"))
        for _ in range(_TURNS.value):
            for name, translate in engines.items():
                least[name] = min(least[name], *(seconds(translate, image) for _ in range(10)))
        for name, value in least.items():
            print(f"{size} {name}: {1e3 * value:.1f} ms, {1 / value:.0f} frames/s")


if __name__ == "__main__":
    flags.adopt_module_key_flags(checkpoint_flag)
    flags.mark_flag_as_required("checkpoint")
    command.run(main)
