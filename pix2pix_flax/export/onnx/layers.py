"""The layers of `models/` as ONNX nodes. Features are float32 [B, C, H, W] here."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from onnx import TensorProto

from pix2pix_flax.export.onnx.graph import Graph

Activation = Callable[[str], str]  # adds an activation of features: name -> name

_EPSILON = 1e-5  # of models.layers.Norm


def _unchanged(x: str) -> str:
    return x


def normalize(graph: Graph, images: str) -> str:
    """Maps uint8 [B, H, W, C] to float32 [B, C, H, W] in [-1, 1], as `image.normalize` does."""
    x = graph("Transpose", images, perm=[0, 3, 1, 2])  # before the cast, on a quarter of the bytes
    x = graph("Cast", x, to=TensorProto.FLOAT)
    return graph("Sub", graph("Div", x, graph.floats(127.5)), graph.floats(1.0))


def denormalize(graph: Graph, x: str, lowest: int) -> str:
    """Maps float32 [B, C, H, W] from `lowest`, 0 or -1, to 1 to uint8 [B, H, W, C]."""
    x = graph("Sub", x, graph.floats(lowest)) if lowest else x
    step = graph.floats((1 - lowest) / 255)
    x = graph("QuantizeLinear", x, step, graph.array(0, np.uint8))  # rounds and clips, too
    return graph("Transpose", x, perm=[0, 2, 3, 1])


def with_planes(graph: Graph, x: str, planes: Sequence[float]) -> str:
    """Appends P planes of one value each: [B, C, H, W] -> [B, C + P, H, W]."""
    if not len(planes):
        return x
    first = graph("Slice", x, graph.array([0]), graph.array([1]), graph.array([1]))
    blank = graph("Mul", first, graph.floats(0.0))
    values = graph.floats(np.reshape(planes, (-1, 1, 1)))
    return graph("Concat", x, graph("Add", blank, values), axis=1)


def conv(graph: Graph, x: str, name: str, norm: str = "none", *, stride: int = 1) -> str:
    """Adds a convolution with zero padding, and the norm of the same name.

    The output has the input's size, or half the size for a 4x4 kernel with stride 2.
    """
    kernel, bias = weights(graph, name, "", norm)
    weight = kernel.transpose(3, 2, 0, 1)
    pads = [(size - 1) // 2 for size in kernel.shape[:2]] * 2
    arrays = graph.floats(weight), graph.floats(bias)
    x = graph("Conv", x, *arrays, strides=[stride, stride], pads=pads)
    return x if is_folded(norm) else _group_norm(graph, name, norm, x)


def conv_to_blocks(
    graph: Graph, x: str, kernel: np.ndarray, bias: np.ndarray, *, stride: int = 1, padding: int = 0
) -> str:
    """Adds a convolution whose outputs are blocks of 2x2 pixels, as before a `pixel_shuffle`.

    Args:
      graph: the graph.
      x: name of features [B, I, H, W].
      kernel: [4D, I, height, width], the four pixels of a block one after another.
      bias: [D], equal for the four pixels.
      stride: pixels from one block to the next.
      padding: rows and columns of zeros on each side.
    """
    arrays = graph.floats(kernel), graph.floats(np.tile(bias, 4))
    return graph("Conv", x, *arrays, strides=[stride] * 2, pads=[padding] * 4)


def conv_to_few(graph: Graph, x: str, name: str) -> str:
    """Adds a convolution with zero padding whose outputs are few, such as 2 from 80 channels.

    Each tap of the kernel is a convolution of single pixels, all in one, and their outputs are
    moved and added. Runtimes pad outputs to 8 or 16: with 9 taps, the padding is less.
    """
    kernel, bias = weights(graph, name, "", "none")
    height, width, inputs, outputs = kernel.shape
    taps = kernel.transpose(0, 1, 3, 2).reshape(-1, inputs, 1, 1)
    around = [0, 0, height // 2, width // 2] * 2
    x = graph("Pad", graph("Conv", x, graph.floats(taps)), graph.array(around))
    parts = graph.split(x, [outputs] * (height * width))
    for index, part in enumerate(parts):
        starts = np.array(divmod(index, width))
        ends = starts + 1 - (height, width)
        ends = np.where(ends < 0, ends, np.iinfo(np.int32).max)
        places = (graph.array(at) for at in (starts, ends, [2, 3]))
        parts[index] = graph("Slice", part, *places)
    return graph("Add", graph("Sum", *parts), graph.floats(bias[:, np.newaxis, np.newaxis]))


def conv_transpose(
    graph: Graph, x: str, name: str, norm: str = "none", activate: Activation = _unchanged
) -> str:
    """Adds a 4x4 `models.layers.ConvTranspose`, its norm and activation; doubles the size."""
    kernel, bias = weights(graph, name, "", norm)
    kernel = kernel[::-1, ::-1]  # JAX counts the taps from the other end
    return _doubled(graph, x, kernel, bias, name, norm, activate)


def resize_conv(
    graph: Graph, x: str, name: str, norm: str = "none", activate: Activation = _unchanged
) -> str:
    """Adds a `models.layers.ResizeConv`, its norm and activation; doubles the size.

    Doubling and the 3x3 kernel are merged into one transposed 4x4 kernel. It has 4 taps per pixel
    instead of 9, because pixels that the doubling made equal share a product.
    """
    kernel, bias = weights(graph, name, "Conv_0/", norm)
    taps = np.array([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]], np.float32)
    kernel = np.einsum("ap,bq,pqio->abio", taps, taps, kernel)
    return _doubled(graph, x, kernel, bias, name, norm, activate)


def mixed(graph: Graph, x: str, matrix: ArrayLike) -> str:
    """Adds a product of each pixel's channels with a matrix [out, in].

    Runtimes pad the few channels of a convolution to 8 or 16, but not those of `MatMul`.
    """
    rows = len(matrix)
    flat = graph("MatMul", graph.floats(matrix), graph("Reshape", x, graph.array([0, 0, -1])))
    sizes = graph("Slice", graph.sizes(x), graph.array([2]), graph.array([4]))
    batch = graph("Slice", graph.sizes(x), graph.array([0]), graph.array([1]))
    return graph("Reshape", flat, graph("Concat", batch, graph.array([rows]), sizes, axis=0))


def pixel_shuffle(graph: Graph, x: str, factor: int) -> str:
    """Adds a `models.upscaling.pixel_shuffle`, whose channels are grouped by output pixel.

    These two transpositions move one axis each, first the columns of the blocks and then their
    rows; onnxruntime takes twice the time for the one transposition of `DepthToSpace`.
    """
    sizes = graph("Slice", graph.sizes(x), graph.array([2]), graph.array([4]))
    sizes = graph("Mul", sizes, graph.array(factor))
    width = graph("Slice", sizes, graph.array([1]), graph.array([2]))
    blocks = graph("Reshape", x, graph.array([0, factor, factor, -1]))
    columns = graph("Transpose", blocks, perm=[0, 1, 3, 2])
    shape = graph("Concat", graph.array([0, factor, -1]), width, axis=0)
    rows = graph("Transpose", graph("Reshape", columns, shape), perm=[0, 2, 1, 3])
    return graph("Reshape", rows, graph("Concat", graph.array([0, -1]), sizes, axis=0))


def prelu(graph: Graph, x: str, name: str) -> str:
    """Adds a `flax.linen.PReLU`, which has one slope for all channels."""
    return graph("LeakyRelu", x, alpha=float(graph.take(f"params/{name}/negative_slope")))


def weights(graph: Graph, name: str, layer: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the kernel [height, width, in, out] and the bias [out]; BatchNorm is folded in."""
    kernel = graph.take(f"params/{name}/{layer}kernel")
    bias = graph.take(f"params/{name}/{layer}bias", np.zeros(kernel.shape[-1], np.float32))
    if norm != "batch":
        return kernel, bias
    name = f"{name}_norm/BatchNorm_0"
    scale = graph.take(f"params/{name}/scale")
    scale = scale / np.sqrt(graph.take(f"batch_stats/{name}/var") + _EPSILON)
    bias = (bias - graph.take(f"batch_stats/{name}/mean")) * scale
    return kernel * scale, bias + graph.take(f"params/{name}/bias")


def _doubled(
    graph: Graph,
    x: str,
    kernel: np.ndarray,
    bias: np.ndarray,
    name: str,
    norm: str,
    activate: Activation,
) -> str:
    # ConvTranspose as a runtime has it is slow. The pixels of an output row between two input rows
    # depend on these two alone, so a 2x2 convolution over all pairs of rows and columns gives them.
    inputs, outputs = kernel.shape[2:]
    taps = kernel.reshape(2, 2, 2, 2, inputs, outputs)[::-1, :, ::-1]
    taps = taps.transpose(1, 3, 5, 4, 0, 2).reshape(4 * outputs, inputs, 2, 2)
    x = conv_to_blocks(graph, x, taps, bias, padding=1)
    x = activate(x) if is_folded(norm) else x  # a runtime merges it into the convolution
    x = pixel_shuffle(graph, x, 2)
    x = graph("Slice", x, graph.array([1, 1]), graph.array([-1, -1]), graph.array([2, 3]))
    return x if is_folded(norm) else activate(_group_norm(graph, name, norm, x))


def is_folded(norm: str) -> bool:
    """Returns whether a layer has no norm, or one that is folded into its convolution."""
    return norm in ("none", "batch")


def _group_norm(graph: Graph, name: str, norm: str, x: str) -> str:
    """Normalises groups of channels, or each channel, by the statistics of each image."""
    path = f"params/{name}_norm/GroupNorm_0"
    scale, bias = graph.take(f"{path}/scale"), graph.take(f"{path}/bias")
    groups = len(scale) if norm == "instance" else min(32, len(scale))
    flat = graph("Reshape", x, graph.array([0, groups, -1]))
    ones, zeros = graph.floats(np.ones(groups)), graph.floats(np.zeros(groups))
    flat = graph("InstanceNormalization", flat, ones, zeros, epsilon=_EPSILON)
    x = graph("Reshape", flat, graph.sizes(x))
    x = graph("Mul", x, graph.floats(scale[:, None, None]))
    return graph("Add", x, graph.floats(bias[:, None, None]))
