"""Gives a network colour hints: of a file that a user has painted, or of a reference picture."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import eight_bits, read_picture
from pix2pix_flax.inference.translator import Network

HintsOf = Callable[[np.ndarray], np.ndarray]
"""From images, uint8 RGB [B, H, W, 3], to their hints, uint8 RGBA [B, H, W, 4]."""


@dataclasses.dataclass(frozen=True)
class HintedNetwork:
    """A `Network` that sees each image with its hints.

    Attributes:
      network: a network that takes hints.
      hints_of: returns the hints of images; opaque pixels are hints.
    """

    network: Network
    hints_of: HintsOf

    takes_hints = False

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Returns the translated images; raises the errors of `hints_of`."""
        return self.network(np.concatenate([images, self.hints_of(images)], axis=-1))

    @property
    def colours(self) -> bool:
        """Whether the network returns colours for a grey image."""
        return self.network.colours

    @property
    def summary(self) -> str:
        """One line that says how images were tiled; empty if no image was tiled."""
        return self.network.summary


def with_hints(
    network: Network, hints: str | Path | None = None, reference: str | Path | None = None
) -> HintedNetwork:
    """Returns a network with the hints of a file or of a reference picture.

    Args:
      network: a network that takes hints.
      hints: a picture whose opaque pixels are hints; the images must have its size.
      reference: a coloured picture of the same scene, see `reference.Reference`.

    Raises:
      UserError: the network takes no hints, both files are given, one is no picture, or the hints
        have no transparency or no opaque pixel.
      WeightsMissingError: a reference needs the extra `lpips`.
    """
    flag = f"--hints={hints}" if hints is not None else f"--reference={reference}"
    if not network.takes_hints:
        raise UserError(f"the network was not trained with hints: leave out {flag}")
    if hints is not None and reference is not None:
        raise UserError("--hints and --reference both give the hints: leave one of them out")
    if hints is not None:
        return HintedNetwork(network, _of_file(Path(hints)))
    from pix2pix_flax.inference.reference import Reference

    picture = read_picture(Path(reference), min_side=1)
    return HintedNetwork(network, Reference(eight_bits(picture.rgb)))


def _of_file(path: Path) -> HintsOf:
    picture = read_picture(path, min_side=1)
    alpha = None if picture.alpha is None else eight_bits(picture.alpha)
    if alpha is None or alpha.min() == 255 or alpha.max() < 128:
        raise UserError(
            f"--hints={path} must be transparent where there is no hint, and opaque at the hints"
        )
    hints = np.dstack([eight_bits(picture.rgb), alpha])

    def hints_of(images: np.ndarray) -> np.ndarray:
        (rows, columns), (height, width) = hints.shape[:2], images.shape[1:3]
        if (rows, columns) != (height, width):
            raise UserError(
                f"--hints={path} is {columns}x{rows} and the picture {width}x{height}: both "
                "must have one size"
            )
        return np.broadcast_to(hints, (*images.shape[:3], hints.shape[-1]))

    return hints_of
