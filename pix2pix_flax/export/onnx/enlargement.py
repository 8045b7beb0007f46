"""`models.enlargement` and `tasks.resolution.Redrawn` as ONNX nodes, on [B, C, H, W]."""

import functools
from collections.abc import Callable

from onnx import TensorProto

from pix2pix_flax.export.onnx.graph import Graph
from pix2pix_flax.models.enlargement import AROUND, FULL_CONTRAST


def redrawn(graph: Graph, images: str, factor: str) -> str:
    """Adds a `models.enlargement.redrawn`; `factor` is the name of its `scale`, int64."""
    unchanged = functools.partial(graph, "Identity", images)
    return _if_one(graph, factor, unchanged, lambda: _redrawn(graph, images, factor))


def _if_one(graph: Graph, factor: str, yes: Callable[[], str], no: Callable[[], str]) -> str:
    return graph.choose(graph("Equal", factor, graph.array(1)), yes, no)


def _redrawn(graph: Graph, images: str, factor: str) -> str:
    settings = {"kernel_shape": AROUND, "pads": [side // 2 for side in 2 * AROUND]}
    low = graph("Neg", graph("MaxPool", graph("Neg", images), **settings))
    contrast = graph("Sub", graph("MaxPool", images, **settings), low)
    scale = as_scale(graph, factor)
    images, low, contrast = (enlarged(graph, part, scale) for part in (images, low, contrast))
    place = graph("Div", graph("Sub", images, low), graph("Max", contrast, graph.floats(1e-6)))
    centred = graph("Sub", graph("Mul", place, graph.floats(2)), graph.floats(1))
    step = graph("Div", graph("Tanh", graph("Mul", centred, scale)), graph("Tanh", scale))
    step = graph("Mul", graph("Add", step, graph.floats(1)), graph.floats(0.5))
    share = graph("Mul", contrast, graph.floats(1 / FULL_CONTRAST))
    share = graph("Mul", graph("Min", share, graph.floats(1)), contrast)
    return graph("Add", images, graph("Mul", share, graph("Sub", step, place)))


def as_scale(graph: Graph, factor: str) -> str:
    """Adds a factor, int64, as float32 [1]."""
    return graph("Reshape", graph("Cast", factor, to=TensorProto.FLOAT), graph.array([1]))


def enlarged(graph: Graph, images: str, scale: str) -> str:
    """Adds a `models.enlargement.enlarged`; `scale` is float32 [1]."""
    scales = graph("Concat", graph.floats([1, 1]), scale, scale, axis=0)
    return graph("Resize", images, "", scales, mode="linear")


def factor(graph: Graph, shape: str, working_size: int) -> str:
    """Adds the factor of `tasks.resolution.Redrawn`, an int64, for the shape of images."""
    sides = graph("Slice", shape, graph.array([1]), graph.array([3]))
    short = graph("ReduceMin", sides, keepdims=0)
    double = graph("Mul", short, graph.array(2))
    rounded = graph("Add", double, graph.array(working_size))
    return graph("Max", graph("Div", rounded, graph.array(2 * working_size)), graph.array(1))


def shrunk(graph: Graph, images: Callable[[], str], factor: str) -> str:
    """Adds the means of squares of `factor` pixels: [B, C, H / f, W / f].

    `images` adds images [B, C, H, W]. They are added in each branch: values from outside of a
    branch would be copied if the factor is 1.
    """
    return _if_one(graph, factor, images, lambda: _means(graph, images(), factor))


def _means(graph: Graph, images: str, factor: str) -> str:
    shape = graph.sizes(images)
    side = graph("Reshape", factor, graph.array([1]))
    batch = graph("Slice", shape, graph.array([0]), graph.array([2]))
    height, width = (
        graph("Div", graph("Slice", shape, graph.array([axis]), graph.array([axis + 1])), side)
        for axis in (2, 3)
    )
    cells = graph("Reshape", images, graph("Concat", batch, height, side, width, side, axis=0))
    rows = graph("ReduceMean", cells, axes=[3], keepdims=0)  # both at once take longer
    return graph("ReduceMean", rows, axes=[4], keepdims=0)
