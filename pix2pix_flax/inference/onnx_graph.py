"""Writes a U-Net as an ONNX graph, from pictures of any size to pictures, all in uint8.

The graph is put together here, node by node, and not traced: the layers are few, BatchNorm's
running statistics are folded into the convolutions, and tools that trace JAX programs ask for
sizes that are multiples of the stride. That it says the same as `models/unet.py` is measured on
photographs each time a file is written.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from flax.traverse_util import flatten_dict
from onnx import TensorProto, helper, numpy_helper

from pix2pix_flax.models.unet import Unet
from pix2pix_flax.train_state import PyTree

_OPSET = 17  # what all runtimes have had since 2022
_IR_VERSION = 8
_EPSILON = 1e-5  # of models.layers.Norm
_LEAKY_SLOPE = 0.2


def unet_to_onnx(
    module: Unet, variables: PyTree, metadata: dict[str, str], *, planes: Sequence[float] = ()
) -> bytes:
    """Returns an ONNX model from `images` to `translated`, both uint8 RGB [B, H, W, 3].

    Any B, H and W from 1 go in: the graph pads to the network's stride and cuts back. It computes
    in float32, whatever the network's `dtype` is.

    Args:
      module: the network, to be run with running statistics and no dropout.
      variables: its `params` and, for BatchNorm, `batch_stats`.
      metadata: texts to keep in the file.
      planes: what the network is given behind RGB in each pixel.

    Raises:
      ValueError: where the variables are not this network's.
    """
    graph = _Graph(variables)
    size = graph.sizes("images")
    x = graph.pad("images", module.stride)
    x = _generator(graph, module, _with_planes(graph, _normalize(graph, x), planes))
    ends = graph("Slice", size, graph.array([1]), graph.array([3]))
    x = graph("Slice", x, graph.array([0, 0]), ends, graph.array([2, 3]))
    _denormalize(graph, x, "translated")
    return graph.finish(metadata)


class _Graph:
    """Nodes and weights as they are added; names of values are their numbers."""

    def __init__(self, variables: PyTree):
        arrays = flatten_dict(variables, sep="/")
        self._variables = {name: np.asarray(value, np.float32) for name, value in arrays.items()}
        self._nodes: list[onnx.NodeProto] = []
        self._arrays: list[onnx.TensorProto] = []

    def __call__(self, op: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Adds a node; returns the name of its output."""
        output = output or f"{op.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def array(self, values: Any, dtype: Any = np.int64) -> str:
        """Adds a constant; returns its name."""
        name = f"constant_{len(self._arrays)}"
        array = np.ascontiguousarray(values, dtype).reshape(np.shape(values))
        self._arrays.append(numpy_helper.from_array(array, name))
        return name

    def floats(self, values: Any) -> str:
        """Adds a float32 constant; returns its name."""
        return self.array(values, np.float32)

    def take(self, name: str, default: Any = None) -> np.ndarray:
        """Returns a variable by its path, e.g. `params/down0/kernel`, once."""
        if name not in self._variables and default is None:
            raise ValueError(f"the network has no {name}")
        return self._variables.pop(name, default)

    def sizes(self, x: str) -> str:
        """Returns the shape of `x`."""
        return self("Shape", x)

    def pad(self, images: str, multiple: int) -> str:
        """Reflects [B, H, W, C] at the bottom and right, as `models.padding` does."""
        shape, one, zero = self.sizes(images), self.array(1), self.array(0)
        for axis in (1, 2):
            length = self("Gather", shape, self.array(axis))
            steps = self("Div", self("Add", length, self.array(multiple - 1)), self.array(multiple))
            padded = self("Mul", steps, self.array(multiple))
            period = self("Mul", self("Sub", length, one), self.array(2))
            period = self("Max", period, one)  # one pixel is repeated
            position = self("Mod", self("Range", zero, padded, one), period)
            source = self("Min", position, self("Sub", period, position))
            images = self("Gather", images, source, axis=axis)
        return images

    def finish(self, metadata: dict[str, str]) -> bytes:
        """Returns the model; all variables must have been taken."""
        if self._variables:
            raise ValueError(f"the network has no place for {', '.join(sorted(self._variables))}")
        shape = ["batch", "height", "width", 3]
        values = [
            helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
            for name in ("images", "translated")
        ]
        graph = helper.make_graph(self._nodes, "generator", values[:1], values[1:], self._arrays)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="pix2pix_flax",
        )
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString()


def _normalize(graph: _Graph, images: str) -> str:
    """From uint8 [B, H, W, C] to float32 [B, C, H, W] in [-1, 1], as `augment.normalize`."""
    x = graph("Transpose", images, perm=[0, 3, 1, 2])  # first, while a pixel is a byte a channel
    x = graph("Cast", x, to=TensorProto.FLOAT)
    return graph("Sub", graph("Div", x, graph.floats(127.5)), graph.floats(1.0))


def _with_planes(graph: _Graph, x: str, planes: Sequence[float]) -> str:
    """From float32 [B, C, H, W] to [B, C + P, H, W]: behind it planes, of one value each."""
    if not len(planes):
        return x
    first = graph("Slice", x, graph.array([0]), graph.array([1]), graph.array([1]))
    blank = graph("Mul", first, graph.floats(0.0))
    values = graph.floats(np.reshape(planes, (-1, 1, 1)))
    return graph("Concat", x, graph("Add", blank, values), axis=1)


def _denormalize(graph: _Graph, x: str, output: str) -> None:
    """From float32 [B, C, H, W] to uint8 [B, H, W, C], as `augment.denormalize`."""
    x = graph("Mul", graph("Add", x, graph.floats(1.0)), graph.floats(127.5))
    x = graph("Clip", graph("Round", x), graph.floats(0.0), graph.floats(255.0))
    x = graph("Cast", x, to=TensorProto.UINT8)
    graph("Transpose", x, perm=[0, 2, 3, 1], output=output)


def _generator(graph: _Graph, module: Unet, x: str) -> str:
    """Adds the network; see `Unet`, whose order of activations is kept in value, not in place.

    A convolution and the activation behind it run as one. So the encoder's features are kept
    behind their leaky ReLU, of which the decoder's ReLU makes what it would make of the features.
    """
    levels = []
    for level in range(module.depth):
        innermost = level == module.depth - 1
        norm = module.norm if level > 0 and not innermost else "none"
        x = _down(graph, level, norm, x)
        x = graph("Relu", x) if innermost else graph("LeakyRelu", x, alpha=_LEAKY_SLOPE)
        levels.append(x)
    for level in reversed(range(1, module.depth)):
        x = graph("Relu", _up(graph, module, level, module.norm, x))
        x = graph("Concat", graph("Relu", levels[level - 1]), x, axis=1)
    return graph("Tanh", _up(graph, module, 0, "none", x))


def _down(graph: _Graph, level: int, norm: str, x: str) -> str:
    kernel, bias = _weights(graph, f"down{level}", "", norm)
    return _layer(graph, "Conv", f"down{level}", norm, x, kernel.transpose(3, 2, 0, 1), bias)


def _up(graph: _Graph, module: Unet, level: int, norm: str, x: str) -> str:
    name = f"up{level}"
    if module.upsample == "resize":
        kernel, bias = _weights(graph, name, "Conv_0/", norm)
        kernel = _with_doubling(kernel)
    else:
        kernel, bias = _weights(graph, name, "", norm)
        kernel = kernel[::-1, ::-1]  # in JAX the taps count from the other end
    return _layer(graph, "ConvTranspose", name, norm, x, kernel.transpose(2, 3, 0, 1), bias)


def _with_doubling(kernel: np.ndarray) -> np.ndarray:
    """Returns the transposed 4x4 kernel that does what doubling and this 3x3 kernel do.

    Two neighbours that the doubling made equal share a product: 4 taps a pixel instead of 9.
    """
    taps = np.array([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]], np.float32)
    return np.einsum("ap,bq,pqio->abio", taps, taps, kernel)


def _weights(graph: _Graph, name: str, layer: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns kernel [height, width, in, out] and bias [out], BatchNorm included."""
    kernel = graph.take(f"params/{name}/{layer}kernel")
    bias = graph.take(f"params/{name}/{layer}bias", np.zeros(kernel.shape[-1], np.float32))
    if norm != "batch":
        return kernel, bias
    name = f"{name}_norm/BatchNorm_0"
    scale = graph.take(f"params/{name}/scale")
    scale = scale / np.sqrt(graph.take(f"batch_stats/{name}/var") + _EPSILON)
    bias = (bias - graph.take(f"batch_stats/{name}/mean")) * scale
    return kernel * scale, bias + graph.take(f"params/{name}/bias")


def _layer(
    graph: _Graph, op: str, name: str, norm: str, x: str, weight: np.ndarray, bias: np.ndarray
) -> str:
    """Adds a 4x4 (transposed) convolution that halves (doubles) the size, and its norm."""
    weights = (graph.floats(weight), graph.floats(bias))
    x = graph(op, x, *weights, strides=[2, 2], pads=[1, 1, 1, 1])
    return _group_norm(graph, name, norm, x) if norm in ("group", "instance") else x


def _group_norm(graph: _Graph, name: str, norm: str, x: str) -> str:
    """Normalises groups of channels, or each channel, by the statistics of the picture."""
    path = f"params/{name}_norm/GroupNorm_0"
    scale, bias = graph.take(f"{path}/scale"), graph.take(f"{path}/bias")
    groups = len(scale) if norm == "instance" else min(32, len(scale))
    flat = graph("Reshape", x, graph.array([0, groups, -1]))
    ones, zeros = graph.floats(np.ones(groups)), graph.floats(np.zeros(groups))
    flat = graph("InstanceNormalization", flat, ones, zeros, epsilon=_EPSILON)
    x = graph("Reshape", flat, graph.sizes(x))
    x = graph("Mul", x, graph.floats(scale[:, None, None]))
    return graph("Add", x, graph.floats(bias[:, None, None]))
