"""Blends and resizes a network's output to the strength and size that a user asks for."""

import dataclasses
import functools
import logging
from collections.abc import Callable
from typing import Protocol

import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.inference.tiling.memory import host_bytes

_log = logging.getLogger(__name__)


class Network(Protocol):
    """A trained network, from uint8 RGB [B, H, W, 3] to uint8 RGB [B, sH, sW, 3]."""

    @property
    def colours(self) -> bool:
        """Whether the network returns colours for a grey image."""

    @property
    def takes_hints(self) -> bool:
        """Whether images may have four more channels, the RGBA of colour hints."""

    @property
    def summary(self) -> str:
        """One line that says how images were tiled; empty if no image was tiled."""

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Returns the translated images."""


def check_images(images: np.ndarray, *, takes_hints: bool = False) -> np.ndarray:
    """Returns `images`; raises a ValueError unless they are uint8 [B, H, W, 3] and not empty.

    With `takes_hints`, 7 channels are right too.
    """
    images = np.asarray(images)
    shape, channels = images.shape, (3, 7) if takes_hints else (3,)
    if images.dtype != np.uint8 or len(shape) != 4 or 0 in shape or shape[3] not in channels:
        advice = " Multiply numbers from 0 to 1 by 255, and round them." if _is_unit(images) else ""
        found = f"{images.dtype} {list(shape)}"
        raise ValueError(f"images must be uint8 [B, H, W, 3], not {found}.{advice}")
    return images


def _is_unit(images: np.ndarray) -> bool:
    return images.dtype.kind == "f" and images.size > 0 and 0 <= images.min() <= images.max() <= 1


@dataclasses.dataclass(frozen=True)
class FunctionNetwork:
    """A function as a `Network`, e.g. an exported generator.

    Attributes:
      function: uint8 RGB [B, H, W, 3] -> uint8 RGB [B, sH, sW, 3].
      colours: see `Network`.
      takes_hints: see `Network`.
      summary: see `Network`.
    """

    function: Callable[[np.ndarray], np.ndarray]
    colours: bool = False
    takes_hints: bool = False
    summary: str = ""

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Returns the translated images."""
        return self.function(images)


@dataclasses.dataclass(frozen=True)
class Translator:
    """A network with an output size and a strength.

    Attributes:
      network: a network with output s times the size of its input.
      outscale: output size divided by input size, for any s; None for s.
      strength: 0..1, the weight of the network's output in a linear blend with the input, as in
        `cartoon_tfds.styles.cartoonize`. 0 returns the input and 1 the network's output, bit for
        bit.
      engine: the program that runs the network, which the first call logs; None: no line.
    """

    network: Network
    outscale: float | None = None
    strength: float = 1.0
    engine: str | None = None

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Translates uint8 RGB [B, H, W, 3] to uint8 RGB [B, H', W', 3].

        H' is `outscale` times H, rounded and at least 1, or s times H if `outscale` is None. The
        first call of a process logs the engine.

        Raises:
          UserError: `strength` is under 1, and the network changes the size; or the result does not
            fit into memory.
        """
        if self.engine:
            _tell(self.engine)
        if self.outscale is None:
            return self._mix(images, self.network(images))
        from pix2pix_flax.inference.images.pixels import resize

        height, width = (max(1, round(self.outscale * side)) for side in images.shape[1:3])
        _refuse_too_large(len(images), height, width)
        return resize(self._mix(images, self.network(images)), height, width)

    def _mix(self, images: np.ndarray, translated: np.ndarray) -> np.ndarray:
        if self.strength == 1:
            return translated
        if translated.shape != images.shape:
            raise UserError(
                "--strength is for networks that keep the size of an image: leave it out"
            )
        levels = images + np.float32(self.strength) * (translated.astype(np.float32) - images)
        return np.rint(levels).astype(np.uint8)

    @property
    def colours(self) -> bool:
        """Whether the network returns colours for a grey image."""
        return self.network.colours

    @property
    def summary(self) -> str:
        """One line that says how images were tiled; empty if no image was tiled."""
        return self.network.summary


@functools.cache  # once in a process
def _tell(engine: str) -> None:
    _log.info("Drawn by %s.", engine)


_COPIES = 6  # of a result: its interpolation, and a clip's encoder with the frames that wait for it


def _refuse_too_large(count: int, height: int, width: int) -> None:
    """Raises UserError if memory cannot hold so many images."""
    needed, free = _COPIES * 3 * count * height * width, host_bytes()
    if free is not None and needed > free:
        raise UserError(
            f"a result of {width}x{height} pixels needs {needed / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} are free: choose a smaller --outscale"
        )
