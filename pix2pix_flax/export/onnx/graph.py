"""An ONNX graph as it grows, from pictures of any size to pictures, all in uint8.

Graphs are put together node by node and not traced: the layers are few (`onnx_layers.py`),
BatchNorm's running statistics are folded into the convolutions, and tools that trace JAX programs
ask for sizes that are multiples of the stride. That a graph says the same as the network is
measured on photographs each time a file is written.
"""

from typing import Any

import numpy as np
import onnx
from flax.traverse_util import flatten_dict
from onnx import TensorProto, helper, numpy_helper

from pix2pix_flax.typing import PyTree

_OPSET = 17  # what all runtimes have had since 2022
_IR_VERSION = 8


class Graph:
    """Nodes and weights as they are added; names of values are their numbers.

    It goes from `images` to `translated`, both uint8 RGB [B, H, W, 3].

    Args:
      variables: of the network: its `params` and, for BatchNorm, `batch_stats`.
    """

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

    def pad(self, images: str, multiple: int, border: int) -> str:
        """Reflects [B, H, W, C] to a multiple, as `models.padding` does, then all its sides.

        Args:
          images: their name.
          multiple: they grow to it at the bottom and right.
          border: and then by so many pixels on each side.
        """
        shape, one = self.sizes(images), self.array(1)
        for axis in (1, 2):
            length = self("Gather", shape, self.array(axis))
            images = self._reflect(images, axis, length, multiple, border, one)
        return images

    def _reflect(
        self, images: str, axis: int, length: str, multiple: int, border: int, one: str
    ) -> str:
        steps = self("Div", self("Add", length, self.array(multiple - 1)), self.array(multiple))
        end = self("Add", self("Mul", steps, self.array(multiple)), self.array(border))
        period = self("Mul", self("Sub", length, one), self.array(2))
        period = self("Max", period, one)  # one pixel is repeated
        position = self("Mod", self("Range", self.array(-border), end, one), period)
        source = self("Min", position, self("Sub", period, position))
        return self("Gather", images, source, axis=axis)

    def finish(self, metadata: dict[str, str], scale: int) -> bytes:
        """Returns the model; all variables must have been taken.

        Args:
          metadata: texts to keep in the file.
          scale: size of `translated` over that of `images`.
        """
        if self._variables:
            raise ValueError(f"the network has no place for {', '.join(sorted(self._variables))}")
        larger = "" if scale == 1 else f"_x{scale}"  # equal names mean equal sizes
        values = [
            helper.make_tensor_value_info(
                name, TensorProto.UINT8, ["batch", f"height{times}", f"width{times}", 3]
            )
            for name, times in (("images", ""), ("translated", larger))
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
