"""The networks that have an ONNX graph, one function for each.

Activations are moved directly behind convolutions, so that a runtime merges both; the values stay
the same as in `models/`.
"""

import functools
from collections.abc import Callable, Sequence

import flax.linen as nn

from pix2pix_flax.export.onnx import blocks, cel, enlargement
from pix2pix_flax.export.onnx.graph import Graph
from pix2pix_flax.export.onnx.layers import (
    conv,
    conv_to_few,
    conv_transpose,
    denormalize,
    is_folded,
    normalize,
    pixel_shuffle,
    prelu,
    resize_conv,
    with_planes,
)
from pix2pix_flax.export.onnx.smoothing import smoothed
from pix2pix_flax.models.cel import COLOURS_LEVEL, HALF_LEVEL, is_smoothed
from pix2pix_flax.models.compact import Compact
from pix2pix_flax.models.rrdb import RRDBNet
from pix2pix_flax.models.span import MEAN, Span
from pix2pix_flax.models.srresnet import SRResNet
from pix2pix_flax.models.unet import Unet
from pix2pix_flax.models.upscaling import doublings
from pix2pix_flax.typing import PyTree

_LEAKY_SLOPE = 0.2  # of U-Nets and of RRDBNet
_RESIDUAL_SCALE = 0.2  # of RRDBNet


def to_onnx(
    module: nn.Module,
    variables: PyTree,
    metadata: dict[str, str],
    *,
    scale: int = 1,
    border: int = 0,
    planes: Sequence[float] = (),
    working_size: int = 0,
) -> bytes:
    """Returns an ONNX model: `images`, uint8 RGB [B, H, W, 3], to `translated`, [B, sH, sW, 3].

    B, H and W are any numbers from 1: the graph pads to the network's stride and cuts the output
    back. It computes in float32, whatever the network's `dtype` is.

    Args:
      module: the network, of a class in `NETWORKS`; the graph uses running statistics and no
        dropout.
      variables: the network's `params` and, for BatchNorm, `batch_stats`.
      metadata: strings to store in the file.
      scale: output size divided by input size, s.
      border: pixels by which images are reflected on all sides before the network; their output is
        cut off.
      planes: constant values of the network's input channels after RGB, e.g. the code of a style.
      working_size: of a U-Net, see `tasks.resolution.Redrawn`; 0: the graph draws every image at
        its own size.

    Raises:
      ValueError: `variables` belong to another network.
    """
    graph = Graph(variables)
    size = graph.sizes("images")
    if working_size:
        factor = enlargement.factor(graph, size, working_size)
        stride = graph("Mul", factor, graph.array(module.stride))
        images = functools.partial(normalize, graph, graph.pad("images", stride, border))
        x = enlargement.shrunk(graph, images, factor)
        x = _unet(graph, module, _input(graph, module, x, planes), factor)
    else:
        x = normalize(graph, graph.pad("images", graph.array(module.stride), border))
        x = NETWORKS[type(module)](graph, module, _input(graph, module, x, planes))
    x = denormalize(graph, x, _lowest(module))
    wanted = graph("Slice", size, graph.array([1]), graph.array([3]))
    starts = graph.array([scale * border] * 2)
    ends = graph("Add", graph("Mul", wanted, graph.array(scale)), starts)
    graph("Slice", x, starts, ends, graph.array([1, 2]), output="translated")
    return graph.finish(metadata, scale)


def _lowest(module: nn.Module) -> int:
    """Returns the value of black in the output of a network's function; white is always 1."""
    is_unit = module.cel_steps if isinstance(module, Unet) else module.unit_range
    return 0 if is_unit else -1


def _input(graph: Graph, module: nn.Module, rgb: str, planes: Sequence[float]) -> str:
    """Adds the input of a network: the image, without grain as by `models.cel.seen`, and planes."""
    has_layers = isinstance(module, Unet) and is_smoothed(module.cel_steps)
    return with_planes(graph, smoothed(graph, rgb) if has_layers else rgb, planes)


def _unet(graph: Graph, module: Unet, x: str, factor: str = "") -> str:
    """Adds a U-Net, whose drawing is enlarged by `factor`, if there is one.

    The encoder's features are kept after their leaky ReLU. The decoder's ReLU gives the same result
    for them as for the features before.
    """
    images, levels, decoded = x, [], {}
    up = {"resize": resize_conv, "transpose": conv_transpose}[module.upsample]
    for level in range(module.depth):
        innermost = level == module.depth - 1
        norm = module.norm if level > 0 and not innermost else "none"
        x = conv(graph, x, f"down{level}", norm, stride=2)
        x = graph("Relu", x) if innermost else _leaky(graph, x)
        levels.append(x)
    for level in reversed(range(1, module.depth)):
        x = up(graph, x, f"up{level}", module.norm, functools.partial(graph, "Relu"))
        x = decoded[level] = graph("Concat", graph("Relu", levels[level - 1]), x, axis=1)
    x = _refined(graph, module, images, x) if module.fine_width else up(graph, x, "up0")
    ends = graph.array([module.out_channels])
    images = graph("Slice", images, graph.array([0]), ends, graph.array([1]))
    if module.cel_steps:
        half_layers = conv(graph, decoded[HALF_LEVEL], "half")
        colours = conv_to_few(graph, decoded[COLOURS_LEVEL], "colours")
        layers = x, half_layers, colours
        settings = {"factor": factor, "is_print": module.cel_print}
        return cel.draw(graph, *layers, images, module.cel_steps, **settings)
    x = graph("Tanh", x)
    if module.residual:
        x = graph("Add", images, graph("Mul", x, graph.floats(2.0)))
        x = graph("Clip", x, graph.floats(-1), graph.floats(1))
    return enlargement.redrawn(graph, x, factor) if factor else x


def _refined(graph: Graph, module: Unet, images: str, x: str) -> str:
    """Adds the layers at full resolution, of the images and the decoder's features at half."""
    norm, leaky = module.norm, functools.partial(_leaky, graph)
    if module.fine_width > blocks.WIDEST or not is_folded(norm):
        fine = leaky(conv(graph, images, "fine0", norm))
        fine = graph("Add", fine, pixel_shuffle(graph, conv(graph, x, "up0"), 2))
        return conv(graph, leaky(conv(graph, fine, "fine1", norm)), "fine2")
    fine = leaky(blocks.from_pixels(graph, images, "fine0", norm))
    fine = graph("Add", fine, conv(graph, x, "up0"))
    fine = blocks.shifted(graph, fine, "fine1", norm, leaky)
    return pixel_shuffle(graph, blocks.back(graph, fine, "fine2"), 2)


def _srresnet(graph: Graph, module: SRResNet, x: str) -> str:
    first = x = prelu(graph, conv(graph, _to_range(graph, module, x), "first"), "PReLU_0")
    for index in range(module.blocks):
        y = conv(graph, x, f"block{index}_0", module.norm)
        y = prelu(graph, y, f"PReLU_{1 + index}")
        x = graph("Add", x, conv(graph, y, f"block{index}_1", module.norm))
    x = graph("Add", first, conv(graph, x, "last", module.norm))
    for index in range(doublings(module.scale)):
        x = prelu(graph, conv(graph, x, f"up{index}"), f"PReLU_{1 + module.blocks + index}")
        x = pixel_shuffle(graph, x, 2)
    return conv(graph, x, "out")


def _rrdb(graph: Graph, module: RRDBNet, x: str) -> str:
    first = x = conv(graph, _to_range(graph, module, x), "first")
    for index in range(module.blocks):
        y = x
        for dense in range(3):
            y = _dense_block(graph, f"block{index}_{dense}", y)
        x = _residual(graph, x, y)
    x = graph("Add", first, conv(graph, x, "last"))
    for index in range(doublings(module.scale)):
        x = resize_conv(graph, x, f"up{index}", activate=functools.partial(_leaky, graph))
    x = _leaky(graph, conv(graph, x, "hr"))
    return conv(graph, x, "out")


def _compact(graph: Graph, module: Compact, x: str) -> str:
    images = x = _to_range(graph, module, x)
    for index in range(module.blocks + 1):
        slopes = graph.take(f"params/slopes{index}")[:, None, None]
        x = graph("PRelu", conv(graph, x, f"conv{index}"), graph.floats(slopes))
    x = pixel_shuffle(graph, conv(graph, x, "out"), module.scale)
    return _add_enlarged(graph, x, images, module.scale)


def _add_enlarged(graph: Graph, x: str, images: str, scale: int) -> str:
    sizes = graph.floats([1.0, 1.0, scale, scale])
    large = graph(
        "Resize",
        images,
        "",
        sizes,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return graph("Add", x, large)


def _span(graph: Graph, module: Span, x: str) -> str:
    images = _to_range(graph, module, x)
    x = images
    if module.centred:
        x = graph("Sub", x, graph.floats([[[level]] for level in MEAN]))
    first = x = conv(graph, x, "first")
    outputs = []
    for index in range(module.blocks):
        middle = _silu(graph, conv(graph, x, f"block{index}_0"))
        y = conv(graph, _silu(graph, conv(graph, middle, f"block{index}_1")), f"block{index}_2")
        weight = graph("Sub", graph("Sigmoid", y), graph.floats(0.5))
        x = graph("Mul", graph("Add", x, y), weight)
        outputs.append(x)
    x = graph("Concat", first, conv(graph, x, "last"), outputs[0], middle, axis=1)
    x = pixel_shuffle(graph, conv(graph, conv(graph, x, "mix"), "out"), module.scale)
    if module.residual:
        x = _add_enlarged(graph, x, images, module.scale)
    return x


def _silu(graph: Graph, x: str) -> str:
    return graph("Mul", x, graph("Sigmoid", x))


def _to_range(graph: Graph, module: nn.Module, x: str) -> str:
    """Maps [-1, 1] to the range of the network, see `models.upscaling.to_range`."""
    if not module.unit_range:
        return x
    return graph("Mul", graph("Add", x, graph.floats(1.0)), graph.floats(0.5))


def _dense_block(graph: Graph, name: str, x: str) -> str:
    seen = x
    for layer in range(4):
        y = _leaky(graph, conv(graph, seen, f"{name}_{layer}"))
        seen = graph("Concat", seen, y, axis=1)
    return _residual(graph, x, conv(graph, seen, f"{name}_4"))


def _residual(graph: Graph, x: str, y: str) -> str:
    return graph("Add", x, graph("Mul", y, graph.floats(_RESIDUAL_SCALE)))


def _leaky(graph: Graph, x: str) -> str:
    return graph("LeakyRelu", x, alpha=_LEAKY_SLOPE)


NETWORKS: dict[type[nn.Module], Callable[[Graph, nn.Module, str], str]] = {
    Unet: _unet,
    SRResNet: _srresnet,
    RRDBNet: _rrdb,
    Compact: _compact,
    Span: _span,
}
"""Functions that add a network's nodes: (graph, module, name of input) -> name of output."""
