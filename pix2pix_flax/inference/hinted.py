"""Gives a network the colour hints of a user."""

import dataclasses
from pathlib import Path

import numpy as np

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import eight_bits, read_picture
from pix2pix_flax.inference.translator import Network


@dataclasses.dataclass(frozen=True)
class HintedNetwork:
    """A `Network` that sees the same hints with each image.

    Attributes:
      network: a network that takes hints.
      hints: uint8 RGBA [H, W, 4]; opaque pixels are hints.
      path: the file of the hints.
    """

    network: Network
    hints: np.ndarray
    path: Path

    takes_hints = False

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Returns the translated images.

        Raises:
          UserError: images and hints differ in size.
        """
        (rows, columns), (height, width) = self.hints.shape[:2], images.shape[1:3]
        if (rows, columns) != (height, width):
            raise UserError(
                f"--hints={self.path} is {columns}x{rows} and the picture {width}x{height}: both "
                "must have one size"
            )
        hints = np.broadcast_to(self.hints, (*images.shape[:3], self.hints.shape[-1]))
        return self.network(np.concatenate([images, hints], axis=-1))

    @property
    def colours(self) -> bool:
        """Whether the network returns colours for a grey image."""
        return self.network.colours

    @property
    def summary(self) -> str:
        """One line that says how images were tiled; empty if no image was tiled."""
        return self.network.summary


def with_hints(network: Network, path: str | Path) -> HintedNetwork:
    """Returns a network with the hints of a file.

    Raises:
      UserError: the network takes no hints, the file is no picture, or the picture has no
        transparency or no opaque pixel.
    """
    path = Path(path)
    if not network.takes_hints:
        raise UserError(f"the network was not trained with hints: leave out --hints={path}")
    picture = read_picture(path, min_side=1)
    alpha = None if picture.alpha is None else eight_bits(picture.alpha)
    if alpha is None or alpha.min() == 255 or alpha.max() < 128:
        raise UserError(
            f"--hints={path} must be transparent where there is no hint, and opaque at the hints"
        )
    return HintedNetwork(network, np.dstack([eight_bits(picture.rgb), alpha]), path)
