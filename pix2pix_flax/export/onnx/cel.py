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

    Luminance and chroma stay apart to the end, so that many nodes compute one channel.

    `factor` is the name of its `scale`, int64; empty: 1. The drawing is RGB from 0 to 1, which
    is not clipped.
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
    more = graph("Sub", graph("Mul", scale, graph.floats(cel.HARD)), graph.floats(cel.SOFT))
    sharpness = graph("Add", graph("Mul", hardness, more), graph.floats(cel.SOFT))
    half = graph("Mul", scale, graph.floats(2**cel.HALF_LEVEL))
    sharpness, chroma = (enlarged(graph, part, half) for part in (sharpness, chroma))
    luminance = _stairs(graph, tone, steps, sharpness)
    luminance = graph("Mul", luminance, graph.floats(100 / steps))
    cover = _stairs(graph, ink, 1, graph("Mul", scale, graph.floats(cel.INK_SHARPNESS)))
    if is_print:
        luminance, chroma = _printed(graph, luminance, chroma)
    luminance = _inked(graph, luminance, cover, cel.UNDER_INK[:1])
    return _lab_to_clipped_rgb(graph, luminance, _inked(graph, chroma, cover, cel.UNDER_INK[1:]))


def _ink_bias(graph: Graph, scale: str, steps: int) -> str:
    spread = cel.ink_spread(steps)
    less = graph("Div", graph.floats(spread), scale)
    return graph("Sub", graph.floats(cel.INK_BIAS + spread), less)


def _printed(graph: Graph, luminance: str, chroma: str) -> tuple[str, str]:
    dark = _smooth_step(graph, luminance, *cel.SHADOWS)
    dark = graph("Mul", graph("Sub", graph.floats(1), dark), graph.floats(cel.SHADOW_SHARE))
    light = _smooth_step(graph, luminance, *cel.LIGHTS)
    light = graph("Mul", light, graph.floats(cel.LIGHT_SHARE))
    for lab, share in ((cel.SHADOW_INK, dark), (cel.PAPER, light)):
        luminance = _towards(graph, luminance, lab[:1], share)
        chroma = _towards(graph, chroma, lab[1:], share)
    return luminance, chroma


def _towards(graph: Graph, values: str, ends: np.ndarray, share: str) -> str:
    missing = graph("Sub", graph.floats(ends[:, np.newaxis, np.newaxis]), values)
    return graph("Add", values, graph("Mul", share, missing))


def _inked(graph: Graph, values: str, cover: str, shares: np.ndarray) -> str:
    left = graph("Mul", cover, graph.floats(shares[:, np.newaxis, np.newaxis] - 1))
    return graph("Mul", values, graph("Add", left, graph.floats(1)))


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
    middle = graph.floats(0.5)
    if steps > 1:
        below = graph("Clip", graph("Floor", tone), graph.floats(0), graph.floats(steps - 1))
        middle = graph("Add", below, middle)
    rise = graph("Mul", graph("Sub", tone, middle), graph("Mul", graph.floats(2), sharpness))
    height = graph("Div", graph.floats(0.5), graph("Tanh", sharpness))
    return graph("Add", middle, graph("Mul", graph("Tanh", rise), height))


def _upsample(graph: Graph, cells: str, shares: str) -> str:
    """Adds a `models.cel.upsample`, which here enlarges first and moves by whole cells then."""
    pads = graph.array([0, 0, 1, 1, 0, 0, 1, 1])
    padded = graph("Pad", cells, pads, mode="edge")
    factor = 2 ** (cel.COLOURS_LEVEL - cel.HALF_LEVEL)
    scales = graph.floats([1, 1, factor, factor])
    settings = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
    large = graph("Resize", padded, "", scales, nearest_mode="floor", **settings)
    highest = graph("Max", *graph.split(shares, [1] * cel.SHARES))  # faster than `ReduceMax`
    shares = graph("Exp", graph("Sub", shares, highest))
    parts = graph.split(shares, [1] * cel.SHARES)
    total = graph("Sum", *parts)
    for index, share in enumerate(parts):
        starts = np.array(divmod(index, 3))
        ends = np.where(starts < 2, factor * (starts - 2), np.iinfo(np.int32).max)
        places = graph.array(factor * starts), graph.array(ends), graph.array([2, 3])
        parts[index] = graph("Mul", graph("Slice", large, *places), share)
    return graph("Div", graph("Sum", *parts), total)


def _chroma(graph: Graph, rgb: str) -> str:
    """Adds the a and b of `image.colour.rgb_to_lab`."""
    rgb = graph("Mul", graph("Add", rgb, graph.floats(1)), graph.floats(0.5))
    curve = graph("Mul", graph("Add", rgb, graph.floats(0.055)), graph.floats(1 / 1.055))
    curve = _power(graph, curve, 2.4)
    line = graph("Mul", rgb, graph.floats(1 / 12.92))
    linear = graph("Where", graph("Greater", rgb, graph.floats(0.04045)), curve, line)
    t = mixed(graph, linear, colour.XYZ_OF_RGB / colour.WHITE[:, np.newaxis])
    # Below the knee, f is its own tangent there. This sum takes less time than `Where`.
    above = graph("Max", t, graph.floats(colour.KNEE**3))
    below = graph("Mul", graph("Sub", t, above), graph.floats(1 / (3 * colour.KNEE**2)))
    f = graph("Add", _power(graph, above, 1 / 3), below)
    return mixed(graph, f, [[500, -500, 0], [0, 200, -200]])


def _lab_to_clipped_rgb(graph: Graph, luminance: str, chroma: str) -> str:
    """Adds an `image.colour.lab_to_clipped_rgb` of [B, 1, H, W] and [B, 2, H, W].

    Its RGB is from 0 to 1, and not clipped yet: `layers.denormalize` does it.
    """
    y = graph("Mul", graph("Add", luminance, graph.floats(16)), graph.floats(1 / 116))
    chroma = graph("Mul", chroma, graph.floats([[[1 / 500]], [[-1 / 200]]]))
    f = graph("Concat", graph("Add", y, chroma), y, axis=1)
    above = graph("Max", f, graph.floats(colour.KNEE))  # as in `_chroma`
    below = graph("Mul", graph("Sub", f, above), graph.floats(3 * colour.KNEE**2))
    cube = graph("Mul", graph("Mul", above, above), above)
    rgb_of_xyz = np.linalg.inv(colour.XYZ_OF_RGB) * colour.WHITE
    linear = mixed(graph, graph("Add", cube, below), rgb_of_xyz[:, [0, 2, 1]])
    curve = _power(graph, graph("Max", linear, graph.floats(0.0031308)), 1 / 2.4)
    curve = graph("Sub", graph("Mul", curve, graph.floats(1.055)), graph.floats(0.055))
    line = graph("Mul", linear, graph.floats(12.92))
    return graph("Min", curve, line)  # the line lies over the curve, and touches it at the knee


def _power(graph: Graph, x: str, exponent: float) -> str:
    """Adds a power of numbers over 0; the node `Pow` takes far longer than these."""
    return graph("Exp", graph("Mul", graph("Log", x), graph.floats(exponent)))
