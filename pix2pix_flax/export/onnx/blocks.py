"""3x3 convolutions with few channels at full resolution, computed in blocks of 2x2 pixels.

Runtimes compute 8 or 16 channels at a time, and pad the channels of narrower convolutions. In
blocks, an image [B, C, H, W] is [B, 4C, H/2, W/2], as before a `layers.pixel_shuffle`: four times
the channels, which fill the registers, at a quarter of the places.

A block of a convolution's output depends on 3x3 blocks, but a block that is shifted by a pixel, so
that it has the four pixels around a corner, depends on 2x2 blocks alone. So `shifted` and `back`
come in pairs.
"""

import numpy as np

from pix2pix_flax.export.onnx.graph import Graph
from pix2pix_flax.export.onnx.layers import Activation, conv_to_blocks, weights

WIDEST = 8  # channels; of more, the zeros in the kernels below cost more than the padding


def from_pixels(graph: Graph, images: str, name: str, norm: str) -> str:
    """Adds a convolution of [B, C, H, W] with its BatchNorm; returns blocks [B, 4D, H/2, W/2]."""
    kernel, bias = weights(graph, name, "", norm)
    place, pixel, tap = np.ogrid[:2, :4, :3]  # in a block, in the window of a block, of the kernel
    taps = (pixel - place == tap).astype(np.float32)
    kernel = np.einsum("qkt,rlu,tuio->qroikl", taps, taps, kernel)
    kernel = kernel.reshape(-1, *kernel.shape[3:])
    return conv_to_blocks(graph, images, kernel, bias, stride=2, padding=1)


def shifted(graph: Graph, blocks: str, name: str, norm: str, activate: Activation) -> str:
    """Adds a convolution of blocks, its BatchNorm and activation; returns shifted blocks.

    They are [B, 4D, H/2 + 1, W/2 + 1]; their outermost pixels lie outside of the image and are 0.
    """
    kernel, bias = weights(graph, name, "", norm)
    x = activate(conv_to_blocks(graph, blocks, _between_blocks(kernel), bias, padding=1))
    sizes = graph.sizes(x)
    by_place = graph("Reshape", x, graph.array([0, 4, len(bias), -1]))
    return graph("Reshape", graph("Mul", by_place, _inside(graph, sizes)), sizes)


def _inside(graph: Graph, sizes: str) -> str:
    """Adds 1 for pixels of shifted blocks in the image, 0 for others: [1, 4, 1, pixels]."""
    sides = graph("Slice", sizes, graph.array([2]), graph.array([4]))
    ones = graph("Expand", graph.floats([[1]]), graph("Sub", sides, graph.array(1)))
    pads = ([1 - y, 1 - x, y, x] for y in range(2) for x in range(2))
    places = [graph("Pad", ones, graph.array(pad)) for pad in pads]
    flat = [graph("Reshape", place, graph.array([1, 1, 1, -1])) for place in places]
    return graph("Concat", *flat, axis=1)


def back(graph: Graph, blocks: str, name: str) -> str:
    """Adds a convolution of shifted blocks; returns blocks in their places, [B, 4D, H/2, W/2]."""
    kernel, bias = weights(graph, name, "", "none")
    return conv_to_blocks(graph, blocks, _between_blocks(kernel), bias)


def _between_blocks(kernel: np.ndarray) -> np.ndarray:
    """Returns the kernel [4D, 4C, 2, 2] of blocks, from a kernel [3, 3, C, D] of pixels."""
    place, block, pixel, tap = np.ogrid[:2, :2, :2, :3]
    taps = (2 * block + pixel - place == tap).astype(np.float32)
    kernel = np.einsum("qbpt,rcsu,tuio->qropsibc", taps, taps, kernel)
    return kernel.reshape(4 * kernel.shape[2], -1, 2, 2)
