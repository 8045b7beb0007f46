"""`models.smoothing.smoothed` as ONNX nodes, on [B, C, H, W]."""

import numpy as np

from pix2pix_flax.export.onnx.enlargement import enlarged
from pix2pix_flax.export.onnx.graph import Graph
from pix2pix_flax.export.onnx.layers import mixed
from pix2pix_flax.image.colour import LUMA
from pix2pix_flax.models.smoothing import AROUND, GRAIN, HALF


def smoothed(graph: Graph, rgb: str) -> str:
    """Adds a `models.smoothing.smoothed` of RGB images."""
    luminance = mixed(graph, rgb, LUMA[np.newaxis])
    powers = graph("Concat", luminance, graph("Mul", luminance, luminance), axis=1)
    powers = graph("AveragePool", powers, kernel_shape=HALF, strides=HALF)
    mean, square = graph.split(_around(graph, powers), [1, 1])
    variance = graph("Sub", square, graph("Mul", mean, mean))
    variance = graph("Max", variance, graph.floats(0))
    gain = graph("Div", variance, graph("Add", variance, graph.floats(GRAIN**2)))
    offset = graph("Mul", graph("Sub", graph.floats(1), gain), mean)
    gain = graph("Sub", gain, graph.floats(1))
    gain, offset = (
        enlarged(graph, _around(graph, part), graph.floats([2])) for part in (gain, offset)
    )
    change = graph("Add", graph("Mul", gain, luminance), offset)
    return graph("Clip", graph("Add", rgb, change), graph.floats(-1), graph.floats(1))


def _around(graph: Graph, x: str) -> str:
    pads = np.zeros((2, 4), np.int64)
    pads[:, 2:] = [side // 2 for side in AROUND]
    padded = graph("Pad", x, graph.array(pads.ravel()), mode="edge")
    return graph("AveragePool", padded, kernel_shape=AROUND)
