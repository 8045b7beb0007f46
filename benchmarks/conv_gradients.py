"""Times two ways to compute the gradients of transposed 4x4 convolutions, on the CPU.

    GLIBC_TUNABLES=glibc.malloc.hugetlb=1 python -m benchmarks.conv_gradients --batch_size=4

A line for each larger layer of `configs/paper.py` at 256x256, in milliseconds, the shortest of
several runs: by products of matrices for each tap of the kernel, and by convolutions. Each run
begins with caches that hold other numbers.
"""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
from absl import flags

from pix2pix_flax.cli import command
from pix2pix_flax.models import conv_transpose

_BATCH_SIZE = flags.DEFINE_integer("batch_size", 1, "Examples.", lower_bound=1)
_REPEATS = flags.DEFINE_integer("repeats", 5, "Runs; the shortest time counts.", lower_bound=1)

# Name, height and width of the smaller maps, channels in, channels out.
_LAYERS = (
    ("up4", 8, 1024, 512),
    ("up3", 16, 1024, 256),
    ("up2", 32, 512, 128),
    ("up1", 64, 256, 64),
    ("up0", 128, 128, 3),
)


def milliseconds(function: Callable[..., jax.Array], *arguments: jax.Array) -> float:
    """Returns the shortest time of a compiled call, in milliseconds."""
    function = jax.jit(function)
    jax.block_until_ready(function(*arguments))
    others = jnp.ones(16_000_000)
    times = []
    for _ in range(_REPEATS.value):
        jax.block_until_ready(others + 1)
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def main(argv: list[str]) -> None:
    """Prints a line for each layer and gradient."""
    del argv
    for name, size, inputs, outputs in _LAYERS:
        x, kernel, y = _arrays(size, 2 * size, inputs, outputs)
        for of, index in (("maps", 0), ("kernel", 1)):
            ways = conv_transpose.by_single_taps, conv_transpose.by_turned_maps
            times = (milliseconds(_part(way, index), x, kernel, y) for way in ways)
            _print(name, of, size, inputs, outputs, *times)


def _part(way: Callable[..., conv_transpose.Gradients], index: int) -> Callable[..., jax.Array]:
    return lambda *arrays: way(*arrays)[index]


def _arrays(size: int, size_of_output: int, inputs: int, outputs: int) -> list[jax.Array]:
    batch = _BATCH_SIZE.value
    shapes = (
        (batch, size, size, inputs),
        (4, 4, inputs, outputs),
        (batch, size_of_output, size_of_output, outputs),
    )
    keys = jax.random.split(jax.random.key(0), 3)
    return [jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True)]


def _print(name: str, of: str, size: int, inputs: int, outputs: int, taps, convolution) -> None:
    layer = f"{name}, {size}x{size}, {inputs} to {outputs}"
    print(f"{layer}, gradient of the {of}: taps {taps:.0f}, convolution {convolution:.0f}")


if __name__ == "__main__":
    command.run(main)
