"""In which resolution the generator sees an image, against the resolution of its target."""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import flax.linen as nn
import jax

from pix2pix_flax.image.degradation import Degradation
from pix2pix_flax.image.padding import pad_to_multiple, reflect_border
from pix2pix_flax.image.resampling import imresize
from pix2pix_flax.typing import Batch

Network = Callable[..., jax.Array]
"""From the generator's inputs to its outputs; `Redrawn` also passes a factor of enlargement."""


@dataclasses.dataclass(frozen=True)
class SameSize:
    """Input, output and target have one size."""

    scale: ClassVar[int] = 1
    """Size of the output divided by the size of the input."""

    border: ClassVar[int] = 0
    """Width of the reflected border around the generator's input at inference, in pixels."""

    def prepare(self, batch: Batch) -> Batch:
        """Returns uint8 `input` and `target` for the images of a dataset."""
        return batch

    def degraded(self, keys: jax.Array, batch: Batch) -> Batch:
        """Returns uint8 `input` and `target` as the training has them.

        Args:
          keys: a random key for each example, [B].
          batch: the images of a dataset.
        """
        del keys
        return self.prepare(batch)

    factor: ClassVar[int] = 1
    """Size of the images divided by the size of the generator's input, where it is fixed."""

    def of_size(self, height: int, width: int) -> "SameSize":
        """Returns the resolution for images of one size, which parts of these images share."""
        del height, width
        return self

    def run(self, network: Network, images: jax.Array) -> jax.Array:
        """Returns the network's outputs at inference, [B, sH, sW, C'], for images [B, H, W, C]."""
        return network(images)

    enlarged_names: ClassVar[tuple[str, ...]] = ("input",)
    """The names of `enlarged`, in their order."""

    def enlarged(self, batch: Batch) -> dict[str, jax.Array]:
        """Returns the inputs in the size of the targets, by name, uint8 [B, H, W, C]."""
        return {"input": batch["input"]}


@dataclasses.dataclass(frozen=True)
class Reduced(SameSize):
    """Large images are shrunk before the generator, and its output is enlarged again.

    A class or a colour is recognised by the surroundings, and on a large image the generator's
    receptive field covers too little of them.

    Attributes:
      size: short side to which larger images are shrunk, in pixels; 0: never. A tile would be
        shrunk like a whole image, so do not combine it with tiles.
      method: the method of `jax.image.resize` that enlarges the output.
      shrink: from images, a height and a width to smaller images.
    """

    size: int
    method: str
    shrink: Callable[[jax.Array, int, int], jax.Array]

    def run(self, network: Network, images: jax.Array) -> jax.Array:
        """Returns the network's outputs, [B, H, W, C'], for images [B, H, W, C]."""
        height, width = images.shape[1:3]
        if not 0 < self.size < min(height, width):
            return network(images)
        scale = self.size / min(height, width)
        output = network(self.shrink(images, round(height * scale), round(width * scale)))
        shape = (len(output), height, width, output.shape[-1])
        return jax.image.resize(output, shape, self.method)


@dataclasses.dataclass(frozen=True)
class Redrawn(SameSize):
    """Large images are shrunk before the generator, and its drawing is enlarged.

    The lines of a network have one width in pixels: on a picture of 2000 pixels, nobody sees them.
    So a picture is drawn at a part of its size, a whole number of times smaller, and the edges of
    the drawing are made at its full size (`models/cel.py`, `models/enlargement.py`).

    Attributes:
      size: short side in pixels at which larger images are drawn, up to rounding; 0: every image is
        drawn at its own size.
      factor: how many times smaller images are drawn; 0: each image by its own size.
    """

    size: int
    factor: int = dataclasses.field(default=0, kw_only=True)

    def of_size(self, height: int, width: int) -> "Redrawn":
        """Returns the resolution with the factor for images of this size."""
        return dataclasses.replace(self, factor=self._factor(height, width))

    def run(self, network: Network, images: jax.Array) -> jax.Array:
        """Returns the drawings, [B, H, W, C'], for images [B, H, W, C]."""
        height, width = images.shape[1:3]
        factor = self.factor or self._factor(height, width)
        if factor == 1:
            return network(images)
        cells = (factor, factor)
        small = nn.avg_pool(pad_to_multiple(images, factor), cells, cells)
        return network(small, factor)[:, :height, :width]

    def _factor(self, height: int, width: int) -> int:
        """Returns the short side divided by `size`, rounded, and at least 1."""
        if not self.size:
            return 1
        return max(1, (2 * min(height, width) + self.size) // (2 * self.size))


@dataclasses.dataclass(frozen=True)
class Enlarged(SameSize):
    """Super-resolution: the input is the target, reduced by MATLAB's bicubic `imresize`, in 8 bits.

    Attributes:
      scale: size of the target divided by the size of the input.
      degradation: the reduction in training and in its validation, in place of `imresize`; None:
        `imresize` as well.
    """

    scale: int
    degradation: Degradation | None = None
    border: ClassVar[int] = 4  # zero padding spoils about three pixels at the edge

    def prepare(self, batch: Batch) -> Batch:
        """Returns `target`, cut to multiples of the scale at the bottom and right, and `input`."""
        target = self._cut(batch["target"])
        height, width = (size // self.scale for size in target.shape[1:3])
        return {"input": imresize(target, height, width), "target": target}

    def degraded(self, keys: jax.Array, batch: Batch) -> Batch:
        """Returns `prepare`, with the degradation in place of `imresize`."""
        if not self.degradation:
            return self.prepare(batch)
        target = self._cut(batch["target"])
        return {"input": self.degradation(keys, target, self.scale), "target": target}

    def _cut(self, target: jax.Array) -> jax.Array:
        height, width = (size // self.scale * self.scale for size in target.shape[1:3])
        return target[:, :height, :width]

    def run(self, network: Network, images: jax.Array) -> jax.Array:
        """Returns [B, sH, sW, C'] for images [B, H, W, C], continued by reflection at all sides."""
        shape, start = images.shape, self.scale * self.border
        output = network(reflect_border(images, self.border))
        for axis in (1, 2):
            stop = start + self.scale * shape[axis]
            output = jax.lax.slice_in_dim(output, start, stop, axis=axis)
        return output

    enlarged_names: ClassVar[tuple[str, ...]] = ("nearest", "bicubic")

    def enlarged(self, batch: Batch) -> dict[str, jax.Array]:
        """Returns the inputs enlarged without a network: `nearest` and `bicubic`."""
        images, (height, width) = batch["input"], batch["target"].shape[1:3]
        nearest = images.repeat(self.scale, axis=1).repeat(self.scale, axis=2)
        return {"nearest": nearest, "bicubic": imresize(images, height, width)}
