"""Builds an ONNX graph from images of any size to images, all in uint8.

Graphs are built node by node and not traced: the layers are few (`layers.py`), BatchNorm's running
statistics are folded into the convolutions, and tools that trace JAX programs require sizes that
are multiples of the stride. Each export compares the graph with the network on photographs.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from flax.traverse_util import flatten_dict
from onnx import TensorProto, helper, numpy_helper

from pix2pix_flax.typing import PyTree

_OPSET = 17  # all runtimes have supported it since 2022
_IR_VERSION = 8


class Graph:
    """Collects the nodes and weights of a model; its methods take and return names of values.

    The model maps `images`, uint8 RGB [B, H, W, 3], to `translated`, uint8 RGB [B, sH, sW, 3].

    Args:
      variables: the network's `params` and, for BatchNorm, `batch_stats`.
    """

    def __init__(self, variables: PyTree):
        arrays = flatten_dict(variables, sep="/")
        self._variables = {name: np.asarray(value, np.float32) for name, value in arrays.items()}
        self._nodes: list[onnx.NodeProto] = []
        self._numbers = itertools.count()  # of names
        self._arrays: list[onnx.TensorProto] = []

    def __call__(self, op: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Adds a node; returns the name of its output."""
        output = output or f"{op.lower()}_{next(self._numbers)}"
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
        """Removes and returns a variable by its path, e.g. `params/down0/kernel`."""
        if name not in self._variables and default is None:
            raise ValueError(f"the network has no {name}")
        return self._variables.pop(name, default)

    def sizes(self, x: str) -> str:
        """Adds a node for the shape of `x`; returns its name."""
        return self("Shape", x)

    def split(self, x: str, sizes: Sequence[int]) -> list[str]:
        """Adds a node that splits `x` [B, C, H, W] by channels; returns the names of the parts."""
        number = next(self._numbers)
        names = [f"split_{number}_{index}" for index in range(len(sizes))]
        self._nodes.append(helper.make_node("Split", [x, self.array(sizes)], names, axis=1))
        return names

    def choose(self, condition: str, yes: Callable[[], str], no: Callable[[], str]) -> str:
        """Adds a node that computes one of two float32 values; returns its name.

        Args:
          condition: name of a bool.
          yes: adds the nodes of the value if it is true, which may take all values so far as
            inputs; returns the value's name.
          no: adds the nodes of the other value.
        """
        return self("If", condition, then_branch=self._branch(yes), else_branch=self._branch(no))

    def _branch(self, add: Callable[[], str]) -> onnx.GraphProto:
        outside, self._nodes = self._nodes, []
        value = helper.make_tensor_value_info(add(), TensorProto.FLOAT, None)
        inside, self._nodes = self._nodes, outside
        return helper.make_graph(inside, f"branch_{next(self._numbers)}", [], [value])

    def pad(self, images: str, multiple: str, border: int) -> str:
        """Reflects images [B, H, W, C] to a multiple, as `pad_to_multiple` does, then on all sides.

        Args:
          images: name of the images.
          multiple: name of a number, int64; H and W are padded to a multiple of it, at the bottom
            and right.
          border: pixels by which the result is then padded on each side.
        """
        shape = self.sizes(images)
        for axis in (1, 2):
            length = self("Gather", shape, self.array(axis))
            steps = self("Sub", self("Add", length, multiple), self.array(1))
            end = self("Mul", self("Div", steps, multiple), multiple)
            end = self("Add", end, self.array(border))
            before = self._reflected(images, axis, length, self.array(-border), self.array(0))
            after = self._reflected(images, axis, length, length, end)
            images = self("Concat", before, images, after, axis=axis)
        return images

    def _reflected(self, images: str, axis: int, length: str, start: str, end: str) -> str:
        """Adds the rows or columns that lie at `start` to `end` by reflection, none if equal."""
        # The formula of `image.padding.reflect` as nodes, with a minimum in place of |x|.
        one = self.array(1)
        period = self("Mul", self("Sub", length, one), self.array(2))
        period = self("Max", period, one)  # one pixel is repeated
        position = self("Mod", self("Range", start, end, one), period)
        source = self("Min", position, self("Sub", period, position))
        return self("Gather", images, source, axis=axis)

    def finish(self, metadata: dict[str, str], scale: int) -> bytes:
        """Returns the model; all variables must have been taken.

        Args:
          metadata: strings to store in the file.
          scale: size of `translated` divided by the size of `images`.
        """
        if self._variables:
            raise ValueError(f"the network has no place for {', '.join(sorted(self._variables))}")
        larger = "" if scale == 1 else f"_x{scale}"  # in ONNX equal names mean equal sizes
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
