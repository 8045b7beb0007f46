"""Colours for grey pictures: from L to a and b of CIELAB (Isola et al. 2017, section 4 and 6.2)."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from pix2pix_flax import metrics
from pix2pix_flax.image.colour import lab_to_rgb, rgb_to_lab
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.tasks.pix2pix import Pix2Pix
from pix2pix_flax.tasks.resolution import Reduced
from pix2pix_flax.typing import Batch, Metrics, PyTree

_MIDDLE_L = 50.0
_MAX_AB = 110.0  # no colour of RGB has more
_BINS = {"bins": 45, "limit": 112.5}  # 5 wide; grey, which is 0, is in the middle of one


@dataclasses.dataclass(frozen=True, eq=False)
class Colourisation(Reduced, Pix2Pix):
    """Pix2Pix from the lightness of a picture to its colours; D sees both.

    The lightness of the result is the input's own, in full resolution, so that no line is redrawn.
    Where the input has colours they are not looked at.
    """

    colours: ClassVar[bool] = True

    def to_input(self, pictures: jax.Array) -> jax.Array:
        """Returns L, float32 [B, H, W, 1] in [-1, 1], of uint8 RGB [B, H, W, 3]."""
        return rgb_to_lab(normalize(pictures))[..., :1] / _MIDDLE_L - 1.0

    def to_target(self, pictures: jax.Array) -> jax.Array:
        """Returns a and b, float32 [B, H, W, 2] in [-1, 1], of uint8 RGB [B, H, W, 3]."""
        return rgb_to_lab(normalize(pictures))[..., 1:] / _MAX_AB

    def to_picture(self, inputs: jax.Array, outputs: jax.Array) -> jax.Array:
        """Returns RGB [B, H, W, 3] in [-1, 1] of `inputs`' L, exactly, with a and b `outputs`."""
        lightness = (inputs + 1.0) * _MIDDLE_L
        return lab_to_rgb(jnp.concatenate([lightness, outputs * _MAX_AB], axis=-1))

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns what pairs are scored by, and how far the colours are those of the target.

        Beside `Pix2Pix.score`, [B]: `ab_mae` in units of Lab; `colourfulness_gap`, absolute, of
        Hasler and Süsstrunk; `a_intersection` and `b_intersection` of the histograms. Those last
        are of each picture, where Isola et al. (figure 6) have one histogram of all pictures.
        """
        pictures = normalize(denormalize(output)), normalize(batch["target"])
        ab = [rgb_to_lab(images)[..., 1:] for images in pictures]
        found = [metrics.colourfulness(images) for images in pictures]
        shared = metrics.histogram_intersection(*ab, **_BINS)
        return super().score(output, batch, frozen) | {
            "ab_mae": metrics.l1(*ab),
            "colourfulness_gap": jnp.abs(found[0] - found[1]),
            "a_intersection": shared[:, 0],
            "b_intersection": shared[:, 1],
        }

    def controls(self, batch: Batch) -> dict[str, jax.Array]:
        """Returns `grey`: the input without its colours, in [-1, 1]."""
        lightness = self.to_input(batch["input"])
        return {"grey": self.to_picture(lightness, jnp.zeros_like(lightness).repeat(2, axis=-1))}
