"""Times a network on the engines of `scripts/translate_video.py`, on the CPU, one frame a call.

    python -m benchmarks.engines --checkpoint=DIR --exported=FILE.onnx

The least of many calls counts, and the engines take turns: the machine may be shared. A turn is
some calls long, since onnxruntime's threads still spin for a while after their last one.
"""

import time

import jax
import numpy as np
from absl import flags

from pix2pix_flax.cli import command
from pix2pix_flax.inference.exported import Translate, load_exported
from pix2pix_flax.inference.predictor import load_predictor

_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "A training run.", required=True)
_EXPORTED = flags.DEFINE_string("exported", None, "Its .onnx file.", required=True)
_TURNS = flags.DEFINE_integer("turns", 10, "Of ten calls, for each engine.", lower_bound=1)
_SIZES = flags.DEFINE_list("sizes", ["256x256", "250x251", "512x512"], "Heights and widths.")


def seconds(translate: Translate, image: np.ndarray) -> float:
    """Returns how long one call takes."""
    start = time.perf_counter()
    translate(image)
    return time.perf_counter() - start


def main(argv: list[str]) -> None:
    """Prints a line for each size and engine."""
    del argv
    jax.config.update("jax_platforms", "cpu")
    engines = {
        "jax": load_predictor(_CHECKPOINT.value),
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
    command.run(main)
