"""Times the forms of 4x4 convolutions with stride 2 in a training, on the CPU.

    GLIBC_TUNABLES=glibc.malloc.hugetlb=1 python -m benchmarks.conv_gradients --batch_size=4

A line for each layer of the generator of `configs/paper.py` at 256x256, in milliseconds, the
shortest of several runs. For the larger maps: the gradients of the transposed convolution, by
products of matrices for each tap of the kernel, and by convolutions; and the kernel's gradient of
the strided convolution, by a product for each example, and by a convolution. For the smaller maps:
values and gradients, by products with all taps at once, and in the form of the larger maps.
`--width` makes the networks narrower. Each run begins with caches that hold other numbers.
"""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
from absl import flags

from pix2pix_flax.cli import command
from pix2pix_flax.models import conv_transpose, strided_conv
from pix2pix_flax.models.conv import by_examples, by_maps

_BATCH_SIZE = flags.DEFINE_integer("batch_size", 1, "Examples.", lower_bound=1)
_WIDTH = flags.DEFINE_integer("width", 64, "Channels at half the resolution.", lower_bound=1)
_REPEATS = flags.DEFINE_integer("repeats", 5, "Runs; the shortest time counts.", lower_bound=1)

# Name, height and width of the smaller maps, channels of these and of the larger maps, over width.
_LARGE = (("up4", 8, 16, 8), ("up3", 16, 16, 4), ("up2", 32, 8, 2), ("up1", 64, 4, 1))
_SMALL = (("up7", 1, 8, 8), ("up6", 2, 16, 8), ("up5", 4, 16, 8))


def milliseconds(function: Callable, *arguments: jax.Array) -> float:
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
    """Prints a line for each layer and kind of work."""
    del argv
    for layer in _LARGE:
        for of, index in (("maps", 0), ("kernel", 1)):
            ways = conv_transpose.by_single_taps, conv_transpose.by_turned_maps
            _print(layer, f"transposed, gradient of the {of}", *(_part(way, index) for way in ways))
        _print(layer, "strided, gradient of the kernel", *map(_of_kernel, (by_examples, by_maps)))
    for layer in _SMALL:
        few = _whole(conv_transpose.by_product, conv_transpose.by_all_taps)
        many = _whole(conv_transpose.conv_transpose, conv_transpose.by_single_taps)
        _print(layer, "transposed", few, many)
        _print(layer, "strided", *map(_strided, (strided_conv.product, strided_conv.convolved)))


def _of_kernel(way: Callable) -> Callable[..., jax.Array]:
    settings = {"strides": (2, 2), "padding": ((1, 1), (1, 1))}
    return lambda x, kernel, y: way(y, jnp.swapaxes(kernel, 2, 3), x, **settings)


def _whole(forward: Callable, backward: Callable) -> Callable[..., tuple]:
    return lambda x, kernel, y: (forward(x, kernel), backward(x, kernel, y))


def _strided(forward: Callable) -> Callable[..., tuple]:
    def values_and_gradients(x, kernel, y):
        values, pull_back = jax.vjp(forward, y, jnp.swapaxes(kernel, 2, 3))
        return values, pull_back(x)

    return values_and_gradients


def _part(way: Callable, index: int) -> Callable[..., jax.Array]:
    return lambda *arrays: way(*arrays)[index]


def _arrays(size: int, inputs: int, outputs: int) -> list[jax.Array]:
    batch = _BATCH_SIZE.value
    shapes = (
        (batch, size, size, inputs),
        (4, 4, inputs, outputs),
        (batch, 2 * size, 2 * size, outputs),
    )
    keys = jax.random.split(jax.random.key(0), 3)
    return [jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True)]


def _print(layer: tuple[str, int, int, int], work: str, products: Callable, other: Callable):
    name, size, *channels = layer
    inputs, outputs = (factor * _WIDTH.value for factor in channels)
    arrays = _arrays(size, inputs, outputs)
    times = (milliseconds(form, *arrays) for form in (products, other))
    title = f"{name}, {size}x{size}, {inputs} to {outputs}, {work}"
    print("{}: products {:.1f}, other {:.1f}".format(title, *times), flush=True)


if __name__ == "__main__":
    command.run(main)
