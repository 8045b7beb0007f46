"""Counts kernels, bytes and operations of a program that XLA has compiled for a GPU."""

import collections
import dataclasses
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

_BITS = {"pred": 8, "bf16": 16}  # other types end with their number of bits: f32, s64
# A name, a type (a tuple holds no further tuples), an operation, and its operands.
_INSTRUCTION = re.compile(
    r"\s+(?:ROOT )?%?(?P<name>[\w.\-]+) = (?P<type>\([^()]*\)|\S+) (?P<operation>[\w\-]+)"
    r"\((?P<operands>[^()]*)\)(?P<rest>.*)"
)
_COPIES = ("copy", "transpose")
_PRODUCT, _GEMM = "product", "gemm_fusion"  # our name, and a part of XLA's kinds of fusions
_KERNELS = ("fusion", "reduce", "sort", "scatter", "gather", "concatenate", "dynamic-update-slice")


class _Array(NamedTuple):
    dtype: str
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        bits = _BITS.get(self.dtype) or int(re.sub(r"\D*(\d+).*", r"\1", self.dtype))
        return math.prod(self.shape) * bits // 8


@dataclasses.dataclass(frozen=True)
class Instruction:
    """An operation of the program.

    Attributes:
      operation: the name of the operation, or of the library's function that it calls.
      outputs: the arrays that it writes.
      operands: the arrays that it reads.
      dimensions: for a convolution, `bf01_oi01->bf01`: the order of batch, features and space.
    """

    operation: str
    outputs: list[_Array]
    operands: list[_Array]
    dimensions: str = ""

    @property
    def is_convolution(self) -> bool:
        """Whether it is a convolution of cuDNN, or the gradient of one."""
        return "$conv" in self.operation

    @property
    def num_bytes(self) -> int:
        """The bytes that it reads and writes if each array passes the memory once."""
        return sum(array.num_bytes for array in (*self.outputs, *self.operands))

    @property
    def flops(self) -> int:
        """The multiplications and additions of a convolution."""
        arrays = [*self.operands[:2], self.outputs[0]]
        # The three arrays of a convolution, whichever of them is computed.
        kernel, result = {"Filter": (2, 1), "Input": (1, 0)}.get(
            self.operation.partition("Backward")[2], (1, 2)
        )
        kernel, result = arrays[kernel].shape, arrays[result].shape
        features = kernel[self.dimensions.partition("_")[2].index("o")]
        return 2 * math.prod(kernel) * math.prod(result) // features


@dataclasses.dataclass(frozen=True)
class Cost:
    """The cost of a program.

    Attributes:
      kernels: number of kernels of each kind: `fusion`, `copy`, and the functions of libraries.
      moved: bytes that all kernels besides convolutions read and write.
      by_products: the part of `moved` that products of matrices read and write.
      conv_flops: operations of the convolutions by dtype.
    """

    kernels: dict[str, int]
    moved: int
    by_products: int
    conv_flops: dict[str, int]


def cost(text: str) -> Cost:
    """Returns the cost of a program from the text of its optimized HLO."""
    kernels, flops, moved = (collections.Counter() for _ in range(3))
    for instruction in instructions(text):
        kernels[instruction.operation] += 1
        if instruction.is_convolution:
            flops[instruction.operands[0].dtype] += instruction.flops
        else:
            moved[instruction.operation] += instruction.num_bytes
    return Cost(dict(kernels), moved.total(), moved[_PRODUCT], dict(flops))


def instructions(text: str) -> Iterator[Instruction]:
    """Yields the kernels of a program's entry, of which some have names of this project.

    A copy and a transposition are both `copy`; a fusion around a product of matrices is `product`.
    """
    entry = text[text.index("\nENTRY ") :]
    arrays: dict[str, list[_Array]] = {}
    for line in re.sub(r"/\*.*?\*/", "", entry).splitlines():
        found = _INSTRUCTION.match(line)
        if not found:
            continue
        outputs, operation = _arrays(found["type"]), found["operation"]
        arrays[found["name"]] = outputs
        names = re.findall(r"%?([\w.\-]+)(?:,|$)", found["operands"])
        operands = [array for name in names for array in arrays.get(name, [])]
        if operation == "custom-call":
            target = re.search(r'custom_call_target="([^"]+)"', found["rest"])[1]
            labels = re.search(r"dim_labels=(\S+?)(?:,|$)", found["rest"])
            yield Instruction(target, outputs, operands, labels[1] if labels else "")
        elif operation in _COPIES:
            yield Instruction("copy", outputs, operands)
        elif _GEMM in found["rest"]:
            yield Instruction(_PRODUCT, outputs, operands)
        elif operation in _KERNELS:
            yield Instruction(operation, outputs, operands)


def _arrays(text: str) -> list[_Array]:
    return [
        _Array(dtype, tuple(map(int, filter(None, shape.split(",")))))
        for dtype, shape in re.findall(r"(\w+)\[([\d,]*)\]", text)
    ]
