"""`models.cel.draw` and the Lab colours of `image.colour` as ONNX nodes, on [B, C, H, W]."""

import numpy as np

from pix2pix_flax.export.onnx.enlargement import as_scale, enlarged, redrawn
from pix2pix_flax.export.onnx.graph import Graph
from pix2pix_flax.export.onnx.layers import mixed
from pix2pix_flax.image import colour
from pix2pix_flax.models import cel


def draw(
    graph: Graph,
    layers: str,
    half_layers: str,
    colours: str,
    photos: str,
    steps: int,
    factor: str = "",
    *,
    is_print: bool = False,
) -> str:
    """Adds a `models.cel.draw`; its arguments have the channels on axis 1.

    `factor` is the name of its `scale`, int64; empty: 1.
    """
    size = [2**cel.COLOURS_LEVEL] * 2
    small = graph("AveragePool", photos, kernel_shape=size, strides=size)
    hardness, shares = graph.split(half_layers, [1, cel.SHARES])
    hardness = graph("Sigmoid", graph("Add", hardness, graph.floats(cel.HARDNESS_BIAS)))
    cells = _evened(graph, _turned(graph, _chroma(graph, small), colours))
    chroma = _upsample(graph, cells, shares)
    tone, ink = graph.split(layers, [1, 1])
    tone = graph("Tanh", tone)
    scale = as_scale(graph, factor) if factor else graph.floats([1])
    ink = graph("Sigmoid", graph("Add", ink, _ink_bias(graph, scale, steps)))
    if factor:
        is_soft = steps > cel.FEW_STEPS
        tone = redrawn(graph, tone, factor) if is_soft else enlarged(graph, tone, scale)
        ink = enlarged(graph, ink, scale)
    tone = graph("Mul", graph("Add", tone, graph.floats(1)), graph.floats(steps / 2))
    half = graph("Mul", scale, graph.floats(2**cel.HALF_LEVEL))
    smooth = enlarged(graph, graph("Concat", hardness, chroma, axis=1), half)
    hardness, chroma = graph.split(smooth, [1, 2])
    more = graph("Sub", graph("Mul", scale, graph.floats(cel.HARD)), graph.floats(cel.SOFT))
    sharpness = graph("Add", graph("Mul", hardness, more), graph.floats(cel.SOFT))
    luminance = _stairs(graph, tone, steps, sharpness)
    luminance = graph("Mul", luminance, graph.floats(100 / steps))
    cover = _stairs(graph, ink, 1, graph("Mul", scale, graph.floats(cel.INK_SHARPNESS)))
    left = graph("Mul", cover, graph.floats(cel.UNDER_INK[:, np.newaxis, np.newaxis] - 1))
    left = graph("Add", left, graph.floats(1))
    paint = graph("Concat", luminance, chroma, axis=1)
    paint = _printed(graph, paint, luminance) if is_print else paint
    return _lab_to_clipped_rgb(graph, graph("Mul", paint, left))


def _ink_bias(graph: Graph, scale: str, steps: int) -> str:
    spread = cel.ink_spread(steps)
    less = graph("Div", graph.floats(spread), scale)
    return graph("Sub", graph.floats(cel.INK_BIAS + spread), less)


def _printed(graph: Graph, paint: str, luminance: str) -> str:
    dark = _smooth_step(graph, luminance, *cel.SHADOWS)
    dark = graph("Mul", graph("Sub", graph.floats(1), dark), graph.floats(cel.SHADOW_SHARE))
    light = _smooth_step(graph, luminance, *cel.LIGHTS)
    light = graph("Mul", light, graph.floats(cel.LIGHT_SHARE))
    for lab, share in ((cel.SHADOW_INK, dark), (cel.PAPER, light)):
        missing = graph("Sub", graph.floats(lab[:, np.newaxis, np.newaxis]), paint)
        paint = graph("Add", paint, graph("Mul", share, missing))
    return paint


def _smooth_step(graph: Graph, values: str, low: float, high: float) -> str:
    t = graph("Mul", graph("Sub", values, graph.floats(low)), graph.floats(1 / (high - low)))
    t = graph("Clip", t, graph.floats(0), graph.floats(1))
    rest = graph("Sub", graph.floats(3), graph("Mul", graph.floats(2), t))
    return graph("Mul", graph("Mul", t, t), rest)


def _turned(graph: Graph, chroma: str, change: str) -> str:
    gain, turn = graph.split(change, [1, 1])
    across = mixed(graph, chroma, [[0, -1], [1, 0]])  # a quarter of a turn
    change = graph("Add", graph("Mul", chroma, gain), graph("Mul", across, turn))
    return graph("Add", chroma, change)


def _evened(graph: Graph, cells: str) -> str:
    """Adds a `models.cel.evened`."""
    for axis in (2, 3):
        pads = np.zeros((2, 4), np.int64)
        pads[:, axis] = cel.REACH
        padded = graph("Pad", cells, graph.array(pads.ravel()), mode="edge")
        products, weights = [], []
        for start in range(2 * cel.REACH + 1):
            end = start - 2 * cel.REACH or np.iinfo(np.int32).max
            other = graph("Slice", padded, *(graph.array([at]) for at in (start, end, axis)))
            difference = graph("Sub", other, cells)
            square = mixed(
                graph, graph("Mul", difference, difference), [[-0.5 / cel.CONTRAST**2] * 2]
            )
            weights.append(graph("Exp", square))
            products.append(graph("Mul", weights[-1], other))
        cells = graph("Div", graph("Sum", *products), graph("Sum", *weights))
    return cells


def _stairs(graph: Graph, tone: str, steps: int, sharpness: str) -> str:
    below = graph("Clip", graph("Floor", tone), graph.floats(0), graph.floats(steps - 1))
    middle = graph("Add", below, graph.floats(0.5))
    rise = graph("Mul", graph("Sub", tone, middle), graph("Mul", graph.floats(2), sharpness))
    rise = graph("Div", graph("Tanh", rise), graph("Tanh", sharpness))
    return graph("Add", middle, graph("Mul", graph.floats(0.5), rise))


def _upsample(graph: Graph, cells: str, shares: str) -> str:
    """Adds a `models.cel.upsample`, which here enlarges first and moves by whole cells then."""
    pads = graph.array([0, 0, 1, 1, 0, 0, 1, 1])
    padded = graph("Pad", cells, pads, mode="edge")
    factor = 2 ** (cel.COLOURS_LEVEL - cel.HALF_LEVEL)
    scales = graph.floats([1, 1, factor, factor])
    settings = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
    large = graph("Resize", padded, "", scales, nearest_mode="floor", **settings)
    parts = []
    shares = _softmax(graph, shares)
    for index, share in enumerate(graph.split(shares, [1] * cel.SHARES)):
        starts = np.array(divmod(index, 3))
        ends = np.where(starts < 2, factor * (starts - 2), np.iinfo(np.int32).max)
        places = graph.array(factor * starts), graph.array(ends), graph.array([2, 3])
        parts.append(graph("Mul", graph("Slice", large, *places), share))
    return graph("Sum", *parts)


def _softmax(graph: Graph, x: str) -> str:
    """Adds a softmax over the channels; the node of this name takes far longer on axis 1."""
    x = graph("Exp", graph("Sub", x, graph("ReduceMax", x, axes=[1], keepdims=1)))
    return graph("Div", x, graph("ReduceSum", x, graph.array([1]), keepdims=1))


def _chroma(graph: Graph, rgb: str) -> str:
    """Adds the a and b of `image.colour.rgb_to_lab`."""
    rgb = graph("Mul", graph("Add", rgb, graph.floats(1)), graph.floats(0.5))
    curve = graph("Mul", graph("Add", rgb, graph.floats(0.055)), graph.floats(1 / 1.055))
    curve = _power(graph, curve, 2.4)
    line = graph("Mul", rgb, graph.floats(1 / 12.92))
    linear = graph("Where", graph("Greater", rgb, graph.floats(0.04045)), curve, line)
    t = mixed(graph, linear, colour.XYZ_OF_RGB / colour.WHITE[:, np.newaxis])
    knee = graph.floats(colour.KNEE**3)
    root = _power(graph, graph("Max", t, knee), 1 / 3)
    line = graph("Mul", t, graph.floats(1 / (3 * colour.KNEE**2)))
    line = graph("Add", line, graph.floats(4 / 29))
    f = graph("Where", graph("Greater", t, knee), root, line)
    return mixed(graph, f, [[500, -500, 0], [0, 200, -200]])


def _lab_to_clipped_rgb(graph: Graph, lab: str) -> str:
    """Adds an `image.colour.lab_to_clipped_rgb`."""
    f = mixed(graph, lab, [[1 / 116, 1 / 500, 0], [1 / 116, 0, 0], [1 / 116, 0, -1 / 200]])
    f = graph("Add", f, graph.floats(16 / 116))
    cube = graph("Mul", graph("Mul", f, f), f)
    line = graph("Mul", graph("Sub", f, graph.floats(4 / 29)), graph.floats(3 * colour.KNEE**2))
    t = graph("Where", graph("Greater", f, graph.floats(colour.KNEE)), cube, line)
    linear = mixed(graph, t, np.linalg.inv(colour.XYZ_OF_RGB) * colour.WHITE)
    linear = graph("Clip", linear, graph.floats(0), graph.floats(1))
    curve = _power(graph, graph("Max", linear, graph.floats(0.0031308)), 1 / 2.4)
    curve = graph("Sub", graph("Mul", curve, graph.floats(2 * 1.055)), graph.floats(1 + 2 * 0.055))
    line = graph("Sub", graph("Mul", linear, graph.floats(2 * 12.92)), graph.floats(1))
    return graph("Min", curve, line)  # the line lies over the curve, and touches it at the knee


def _power(graph: Graph, x: str, exponent: float) -> str:
    """Adds a power of numbers over 0; the node `Pow` takes far longer than these."""
    return graph("Exp", graph("Mul", graph("Log", x), graph.floats(exponent)))
