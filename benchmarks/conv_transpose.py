"""Times two ways to compute the gradients of the U-Net's transposed convolutions.

    python -m benchmarks.conv_transpose

Prints the shortest of several runs for each layer, in milliseconds, at batch 1 and 256x256.
"""

import time
from collections.abc import Callable

import jax
from absl import flags

from pix2pix_flax.cli import command
from pix2pix_flax.models import conv_transpose

_REPEATS = flags.DEFINE_integer("repeats", 5, "Runs; the shortest time counts.", lower_bound=1)

# Height and width, channels in, channels out: `up6` to `up1` of `configs/paper.py`.
_LAYERS = (
    (2, 1024, 512),
    (4, 1024, 512),
    (8, 1024, 512),
    (16, 1024, 256),
    (32, 512, 128),
    (64, 256, 64),
)
_WAYS = {"convolution": conv_transpose.by_convolution, "patches": conv_transpose.by_patches}


def milliseconds(function: Callable[..., jax.Array], *arguments: jax.Array) -> float:
    """Returns the shortest time of a compiled call, in milliseconds."""
    function = jax.jit(function)
    jax.block_until_ready(function(*arguments))
    times = []
    for _ in range(_REPEATS.value):
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def main(argv: list[str]) -> None:
    """Prints a line for each layer."""
    del argv
    for size, inputs, outputs in _LAYERS:
        keys = jax.random.split(jax.random.key(0), 3)
        x = jax.random.normal(keys[0], (1, size, size, inputs))
        kernel = jax.random.normal(keys[1], (4, 4, inputs, outputs))
        cotangent = jax.random.normal(keys[2], (1, 2 * size, 2 * size, outputs))
        times = [
            f"{name} {milliseconds(way, x, kernel, cotangent):.0f}" for name, way in _WAYS.items()
        ]
        print(f"{size}x{size}, {inputs} to {outputs}: {', '.join(times)}")


if __name__ == "__main__":
    command.run(main)
