"""Prints the memory and the seconds for a large picture on the CPU, in tiles and as a whole.

    python -m benchmarks.tiles --checkpoint=DIR --size=4000x3000 --whole

For super-resolution, the size is the input's; use `--tile=112` with it.

Each way runs in a new process. It prints the peak of resident memory (`ru_maxrss`), the part of it
from before the translation (network and picture are loaded) and the size of the result; then the
peak after the result was written as PNG. The seconds are for the first picture: they include the
compilation and, if the halo is measured, this measurement.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from absl import flags

from cartoon_tfds.images import write_png
from pix2pix_flax.cli import checkpoint_flag
from pix2pix_flax.cli import command as command_line
from pix2pix_flax.cli.checkpoint_flag import CHECKPOINT

_SIZE = flags.DEFINE_string("size", "4000x3000", "Width and height of the picture in pixels.")
_TILE = flags.DEFINE_integer("tile", 512, "Side of the tiles in pixels.", lower_bound=1)
_HALO = flags.DEFINE_enum("halo", "measured", ["measured", "exact"], "Overlap of tiles.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 4, "Tiles in one step.", lower_bound=1)
_WHOLE = flags.DEFINE_bool("whole", False, "Also run the picture as a whole.")
_RUN = flags.DEFINE_enum("run", None, ["tiled", "whole"], "Run only this way, in this process.")

flags.register_validator(
    "size",
    lambda size: len(sides := size.split("x")) == 2 and all(map(str.isdecimal, sides)),
    message="must be two numbers, such as 4000x3000",
)


def photograph(width: int, height: int) -> np.ndarray:
    """Returns an enlarged photograph of scikit-image, uint8 [1, height, width, 3]."""
    import cv2
    import skimage.data

    coffee = skimage.data.coffee()
    return cv2.resize(coffee, (width, height), interpolation=cv2.INTER_CUBIC)[np.newaxis]


def peak_mebibytes() -> float:
    """Returns the largest resident memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str) -> None:
    """Runs the picture in this process, tiled or whole, and prints its memory and seconds."""
    import jax

    from pix2pix_flax.inference.predictor import load_predictor
    from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor

    jax.config.update("jax_platforms", "cpu")
    predict = TiledPredictor(
        load_predictor(CHECKPOINT.value),
        tile=_TILE.value if name == "tiled" else 0,  # 0: tiles only if memory is too small
        halo="exact" if _HALO.value == "exact" else None,
        batch_size=_BATCH_SIZE.value,
        progress=True,
    )
    images = photograph(*map(int, _SIZE.value.split("x")))
    loaded, start = peak_mebibytes(), time.perf_counter()
    (output,) = predict(images)
    peak, seconds = peak_mebibytes(), time.perf_counter() - start
    height, width = output.shape[:2]
    print(
        f"{name}: peak {peak:.0f} MiB, {loaded:.0f} of them before, {output.nbytes / 2**20:.0f} "
        f"for the result of {width}x{height}, {seconds:.1f} s; {predict.summary or 'no tiles'}"
    )
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        write_png(Path(folder, "a.png"), output)
    seconds = time.perf_counter() - start
    print(f"{name}, written as PNG: peak {peak_mebibytes():.0f} MiB, {seconds:.1f} s")


def main(argv: list[str]) -> int:
    """Measures each way; returns 1 if one failed."""
    del argv
    if _RUN.value:
        measure(_RUN.value)
        return 0
    failed = False
    for name in ("tiled", "whole")[: 1 + _WHOLE.value]:
        command = [sys.executable, "-m", "benchmarks.tiles", *sys.argv[1:], f"--run={name}"]
        code = subprocess.run(command, check=False).returncode
        if code:
            print(f"{name}: failed with exit code {code}")
        failed |= bool(code)
    return int(failed)


if __name__ == "__main__":
    flags.adopt_module_key_flags(checkpoint_flag)
    flags.mark_flag_as_required("checkpoint")
    command_line.run(main)
