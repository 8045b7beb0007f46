"""Networks that see large pictures in the size that they were trained on."""

import dataclasses
from typing import ClassVar

import jax

from pix2pix_flax.tasks.paired import PairedTask
from pix2pix_flax.typing import PyTree


@dataclasses.dataclass(frozen=True, eq=False)
class Reduced(PairedTask):
    """What a thing is, is told by what is around it, and of a large picture G sees too little.

    Attributes:
      enlarged: by which method of `jax.image.resize` outputs become large again.
      predict_size: G gets pictures whose short side is longer reduced to about this many pixels,
        and its output is enlarged again; 0: never. Tiles would each be reduced by themselves, so
        leave them out.
    """

    predict_size: int

    enlarged: ClassVar[str] = "linear"

    def generate(self, variables: PyTree, images: jax.Array) -> jax.Array:
        """Returns what G makes at test, float32 [B, H, W, C]; see `predict_size`."""
        height, width = images.shape[1:3]
        if not 0 < self.predict_size < min(height, width):
            return super().generate(variables, images)
        scale = self.predict_size / min(height, width)
        small = _resize(images, round(height * scale), round(width * scale), "linear")
        return _resize(super().generate(variables, small), height, width, self.enlarged)


def _resize(images: jax.Array, height: int, width: int, method: str) -> jax.Array:
    """Returns [B, height, width, C], where it shrinks antialiased."""
    return jax.image.resize(images, (len(images), height, width, images.shape[-1]), method)
