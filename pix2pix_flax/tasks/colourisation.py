"""Colours for grey images: from L to a and b of CIELAB (Isola et al. 2017, section 4 and 6.2)."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax import metrics
from pix2pix_flax.image.colour import lab_to_rgb, rgb_to_lab
from pix2pix_flax.image.hints import draw_hints, exact_hints, shrink_hints
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.tasks.representation import Representation
from pix2pix_flax.tasks.scores import ImageScores
from pix2pix_flax.typing import Batch, Metrics, PyTree

_MIDDLE_L = 50.0
_MAX_AB = 110.0  # no colour of RGB has more
_RGB = 3
_OPAQUE = 128  # alpha from which a pixel of the user's picture is a hint
_PATCH = 7  # side of a hint in evaluation, in pixels
_WHITE, _NEARLY_WHITE = 250, 240  # least level of all channels, in the target and in the output
_WHITE_KEPT = "white_kept"
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
        lightness = (inputs[..., :1] + 1.0) * _MIDDLE_L
        return lab_to_rgb(jnp.concatenate([lightness, outputs * _MAX_AB], axis=-1))

    def controls(self, batch: Batch, enlarged: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Returns `grey`: the input without its colours, in [-1, 1]."""
        inputs = self.to_input(enlarged["input"])
        return {"grey": self.to_image(inputs, jnp.zeros((*inputs.shape[:-1], 2)))}

    def captions(self, enlarged_names: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the names of `columns`."""
        del enlarged_names
        return super().captions(("grey",))


@dataclasses.dataclass(frozen=True)
class HintedLab(Lab):
    """From lightness and colour hints to colours (Zhang et al. 2017, arXiv:1705.02999).

    The generator's input has three more channels: a and b of the hints, and their mask.

    Attributes:
      max_points: largest number of hints in a training image.
      max_patch: largest side of a hint in a training image, in pixels.
    """

    max_points: int = dataclasses.field(kw_only=True)
    max_patch: int = dataclasses.field(kw_only=True)

    takes_hints: ClassVar[bool] = True

    def to_input(self, images: jax.Array) -> jax.Array:
        """Returns L, a and b of hints, and their mask, float32 [B, H, W, 4].

        Args:
          images: uint8 RGB [B, H, W, 3], without hints; or [B, H, W, 7], followed by the RGBA of
            the hints, which are its pixels with an alpha of 128 or more.
        """
        lightness = super().to_input(images[..., :_RGB])
        if images.shape[-1] == _RGB:
            return jnp.pad(lightness, [(0, 0)] * 3 + [(0, 3)])
        mask = images[..., 2 * _RGB :] >= _OPAQUE
        ab = jnp.where(mask, self.to_target(images[..., _RGB : 2 * _RGB]), 0.0)
        return jnp.concatenate([lightness, ab, mask.astype(jnp.float32)], axis=-1)

    def training_input(self, rng: jax.Array, batch: Batch) -> jax.Array:
        """Returns the generator's input with random hints at the colours of the target."""
        ab = self.to_target(batch["target"])
        hints = draw_hints(rng, ab, max_points=self.max_points, max_patch=self.max_patch)
        return self._with_hints(batch["input"], hints)

    def evaluation_input(
        self, batch: Batch, points: jax.Array | int, *, max_points: int
    ) -> jax.Array:
        """Returns the generator's input with a number of hints, always the same for an example.

        Args:
          batch: uint8 `input` and `target`, and `index`, the places of the examples in the split.
          points: number of hints in each image, a scalar; it may be traced.
          max_points: largest value of `points`.
        """
        keys = jax.vmap(jax.random.key)(batch["index"])
        ab = self.to_target(batch["target"])
        hints = exact_hints(keys, ab, points, max_points=max_points, patch=_PATCH)
        return self._with_hints(batch["input"], hints)

    def _with_hints(self, images: jax.Array, hints: jax.Array) -> jax.Array:
        return jnp.concatenate([super().to_input(images), hints], axis=-1)

    def shrink(self, inputs: jax.Array, height: int, width: int) -> jax.Array:
        """Returns the generator's inputs in a smaller size, in which no hint is lost."""
        lightness = super().shrink(inputs[..., :1], height, width)
        return jnp.concatenate([lightness, shrink_hints(inputs[..., 1:], height, width)], axis=-1)


@dataclasses.dataclass(frozen=True)
class LabScores(ImageScores):
    """Scores of images, and the distance of their colours from the target's."""

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns `ImageScores.score`, four scores of colour and two numbers of pixels, [B] each.

        `ab_mae`: mean absolute difference of a and b, in units of Lab. `colourfulness_gap`:
        absolute difference in the colourfulness of Hasler and Süsstrunk. `a_intersection` and
        `b_intersection`: intersections of the histograms of each image, where Isola et al. (figure
        6) have one histogram of all images. `white_pixels` of the target, such as paper and speech
        balloons, and `white_kept_pixels`, the number of them that the output has not tinted.
        """
        images = normalize(denormalize(output)), normalize(batch["target"])
        ab = [rgb_to_lab(image)[..., 1:] for image in images]
        found = [metrics.colourfulness(image) for image in images]
        shared = metrics.histogram_intersection(*ab, **_BINS)
        is_white = (batch["target"] >= _WHITE).all(axis=-1)
        is_kept = is_white & (denormalize(output) >= _NEARLY_WHITE).all(axis=-1)
        return super().score(output, batch, frozen) | {
            "ab_mae": metrics.l1(*ab),
            "colourfulness_gap": jnp.abs(found[0] - found[1]),
            "a_intersection": shared[:, 0],
            "b_intersection": shared[:, 1],
            "white_pixels": is_white.sum((1, 2)),
            "white_kept_pixels": is_kept.sum((1, 2)),
        }

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the mean of each score, and `white_kept` as a share of all white pixels.

        Without a white pixel in the split there is no share.
        """
        outputs = dict(outputs)
        white, kept = (outputs.pop(name).sum() for name in ("white_pixels", "white_kept_pixels"))
        share = {_WHITE_KEPT: float(kept / white)} if white else {}
        return super().summarize(outputs) | share

    def summary_names(self, outputs: dict[str, np.ndarray]) -> set[str]:
        """Returns the names of all scalars, also of the one that needs white pixels."""
        return super().summary_names(outputs) | {_WHITE_KEPT}
