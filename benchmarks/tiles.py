"""Prints what a large picture takes in tiles, and as a whole, on the CPU: memory and seconds.

    python -m benchmarks.tiles --checkpoint=DIR --size=4000x3000 --whole

For super-resolution the size is that of the input: `--tile=112` goes with it.

Each runs in a process of its own. Its peak of resident memory (`ru_maxrss`) stands beside what that
was with the network and the picture loaded, and what the result takes; then the peak once it was
written as PNG. The seconds are those of the first picture: they hold the compilation and, where the
halo is measured, that.
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
from pix2pix_flax.cli import command as command_line

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "A training run, file or name.", required=True
)
_SIZE = flags.DEFINE_string("size", "4000x3000", "Width and height of the picture in pixels.")
_TILE = flags.DEFINE_integer("tile", 512, "Side of the tiles in pixels.", lower_bound=1)
_HALO = flags.DEFINE_enum("halo", "measured", ["measured", "exact"], "What tiles overlap by.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 4, "Tiles in one step.", lower_bound=1)
_WHOLE = flags.DEFINE_bool("whole", False, "Run the picture as a whole too.")
_RUN = flags.DEFINE_enum("run", None, ["tiled", "whole"], "Run this one here, and no other.")

flags.register_validator(
    "size",
    lambda size: len(sides := size.split("x")) == 2 and all(map(str.isdecimal, sides)),
    message="has to be two numbers, such as 4000x3000",
)


def photograph(width: int, height: int) -> np.ndarray:
    """Returns a photograph of scikit-image enlarged, uint8 [1, height, width, 3]."""
    import cv2
    import skimage.data

    coffee = skimage.data.coffee()
    return cv2.resize(coffee, (width, height), interpolation=cv2.INTER_CUBIC)[np.newaxis]


def peak_mebibytes() -> float:
    """Returns the largest resident memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str) -> None:
    """Runs the picture in this process, tiled or as a whole, and prints what it took."""
    import jax

    from pix2pix_flax.inference.predictor import load_predictor
    from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor

    jax.config.update("jax_platforms", "cpu")
    predict = TiledPredictor(
        load_predictor(_CHECKPOINT.value),
        tile=_TILE.value if name == "tiled" else 0,  # 0: tiles only where memory does not suffice
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
    """Measures each way; returns 1 where one did not end well."""
    del argv
    if _RUN.value:
        measure(_RUN.value)
        return 0
    failed = False
    for name in ("tiled", "whole")[: 1 + _WHOLE.value]:
        command = [sys.executable, "-m", "benchmarks.tiles", *sys.argv[1:], f"--run={name}"]
        code = subprocess.run(command, check=False).returncode
        if code:
            print(f"{name}: ended with {code}")
        failed |= bool(code)
    return int(failed)


if __name__ == "__main__":
    command_line.run(main)
