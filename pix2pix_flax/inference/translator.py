"""A network together with the strength and the size that its pictures are wanted in."""

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Translator:
    """A network together with the strength and the size that its pictures are wanted in.

    Attributes:
      network: uint8 RGB [B, H, W, 3] -> uint8 RGB [B, sH, sW, 3].
      outscale: Of the result over the input, whatever s is; None for s.
      strength: 0..1, the share of the network's picture in a mixture with the input, level by
        level, as `cartoon_tfds.styles.cartoonize` has it: 0 is the input and 1 the network's, bit
        for bit.
    """

    network: Callable[[np.ndarray], np.ndarray]
    outscale: float | None = None
    strength: float = 1.0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Returns the translated pictures, uint8 RGB, for uint8 RGB [B, H, W, 3].

        Raises:
          ValueError: for a strength under 1 of a network that changes the size.
        """
        translated = self._mix(images, self.network(images))
        if self.outscale is None:
            return translated
        from pix2pix_flax.inference.images.pixels import resize

        height, width = (max(1, round(self.outscale * side)) for side in images.shape[1:3])
        return resize(translated, height, width)

    def _mix(self, images: np.ndarray, translated: np.ndarray) -> np.ndarray:
        if self.strength == 1:
            return translated
        if translated.shape != images.shape:
            raise ValueError("--strength is for networks that keep the size of a picture")
        levels = images + np.float32(self.strength) * (translated.astype(np.float32) - images)
        return np.rint(levels).astype(np.uint8)

    @property
    def colours(self) -> bool:
        """Whether the network is known to give grey pictures colours of their own."""
        return getattr(self.network, "colours", False)

    @property
    def summary(self) -> str:
        """How pictures were tiled, in one line; empty where none was."""
        return getattr(self.network, "summary", "")
