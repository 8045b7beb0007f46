"""Colours for grey images: from L to a and b of CIELAB (Isola et al. 2017, section 4 and 6.2)."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from pix2pix_flax import metrics
from pix2pix_flax.image.colour import lab_to_rgb, rgb_to_lab
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.tasks.representation import Representation
from pix2pix_flax.tasks.scores import ImageScores
from pix2pix_flax.typing import Batch, Metrics, PyTree

_MIDDLE_L = 50.0
_MAX_AB = 110.0  # no colour of RGB has more
_BINS = {"bins": 45, "limit": 112.5}  # 5 wide; grey, which is 0, is in the middle of a bin


@dataclasses.dataclass(frozen=True)
class Lab(Representation):
    """From the lightness of an image to its colours.

    The result keeps the lightness of the input, in full resolution, so that no line is redrawn.
    Colours of the input are ignored.
    """

    input_channels: int = 1
    colours: ClassVar[bool] = True

    def to_input(self, images: jax.Array) -> jax.Array:
        """Returns L, float32 [B, H, W, 1] in [-1, 1], for uint8 RGB [B, H, W, 3]."""
        return rgb_to_lab(normalize(images))[..., :1] / _MIDDLE_L - 1.0

    def to_target(self, images: jax.Array) -> jax.Array:
        """Returns a and b, float32 [B, H, W, 2] in [-1, 1], for uint8 RGB [B, H, W, 3]."""
        return rgb_to_lab(normalize(images))[..., 1:] / _MAX_AB

    def to_image(self, inputs: jax.Array, outputs: jax.Array) -> jax.Array:
        """Returns RGB [B, H, W, 3] in [-1, 1]: L from `inputs`, a and b from `outputs`."""
        lightness = (inputs + 1.0) * _MIDDLE_L
        return lab_to_rgb(jnp.concatenate([lightness, outputs * _MAX_AB], axis=-1))

    def controls(self, batch: Batch, enlarged: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Returns `grey`: the input without its colours, in [-1, 1]."""
        lightness = self.to_input(enlarged["input"])
        return {"grey": self.to_image(lightness, jnp.zeros_like(lightness).repeat(2, axis=-1))}

    def captions(self, enlarged_names: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the names of `columns`."""
        del enlarged_names
        return super().captions(("grey",))


@dataclasses.dataclass(frozen=True)
class LabScores(ImageScores):
    """Scores of images, and the distance of their colours from the target's."""

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns `ImageScores.score` and four scores of colour, [B] each.

        `ab_mae`: mean absolute difference of a and b, in units of Lab. `colourfulness_gap`:
        absolute difference in the colourfulness of Hasler and Süsstrunk. `a_intersection` and
        `b_intersection`: intersections of the histograms of each image, where Isola et al. (figure
        6) have one histogram of all images.
        """
        images = normalize(denormalize(output)), normalize(batch["target"])
        ab = [rgb_to_lab(image)[..., 1:] for image in images]
        found = [metrics.colourfulness(image) for image in images]
        shared = metrics.histogram_intersection(*ab, **_BINS)
        return super().score(output, batch, frozen) | {
            "ab_mae": metrics.l1(*ab),
            "colourfulness_gap": jnp.abs(found[0] - found[1]),
            "a_intersection": shared[:, 0],
            "b_intersection": shared[:, 1],
        }
