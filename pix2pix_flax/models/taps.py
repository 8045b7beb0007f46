"""A 4x4 convolution with stride 2 as products of matrices, with the 16 taps of its kernel.

Each tap sees, for each pixel of the smaller maps, one pixel of the larger maps: every second row
and column of them. `seen` takes these pixels out of the larger maps, and `spread` adds them up
again. Small maps have large kernels, which products read as they lie in memory. Convolutions of
such maps copy kernels and their gradients: on an H100, by XLA's plan, 0.19 of 2.87 GB that a step
of `configs/paper.py` reads and writes besides convolutions (benchmarks/RESULTS.md).
"""

import jax
import jax.numpy as jnp

_SMALL = 4 * 4
SIZE = 4  # height and width of the kernel
_OFFSETS = [(a, b) for a in range(SIZE) for b in range(SIZE)]


def are_few(maps: jax.Array, most: int) -> bool:
    """Returns whether maps [B, H, W, C] are small and have at most so many pixels, B * H * W."""
    batch, height, width, _ = maps.shape
    return height * width <= _SMALL and batch * height * width <= most


def of(kernel: jax.Array) -> jax.Array:
    """Returns the taps [16, I, O] of a kernel [4, 4, I, O]."""
    return kernel.reshape(SIZE**2, *kernel.shape[2:])


def seen(maps: jax.Array) -> list[jax.Array]:
    """Returns the pixels [B, H // 2, W // 2, C] that each tap sees of `maps`, [B, H, W, C]."""
    height, width = maps.shape[1] // 2, maps.shape[2] // 2
    padded = jnp.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return [padded[:, a : a + 2 * height : 2, b : b + 2 * width : 2] for a, b in _OFFSETS]


def spread(pixels: jax.Array, height: int, width: int) -> jax.Array:
    """Returns the sum [B, height, width, C] of the pixels of each tap, each where the tap sees it.

    Args:
      pixels: [16, B, height // 2, width // 2, C].
      height: of the result.
      width: of the result.
    """
    zero, whole = jnp.zeros((), pixels.dtype), (0, 0, 0)
    padded = sum(
        jax.lax.pad(part, zero, (whole, (a, SIZE - 1 - a, 1), (b, SIZE - 1 - b, 1), whole))
        for part, (a, b) in zip(pixels, _OFFSETS, strict=True)
    )
    return padded[:, 1 : 1 + height, 1 : 1 + width]
