"""Label maps of photographs: as colours of a palette, or as a logit for each class."""

import dataclasses
from collections.abc import Collection
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax import losses, metrics
from pix2pix_flax.image.label_colours import nearest_class, paint
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.image.palettes import Palette
from pix2pix_flax.metrics.segmentation import class_scores, ratio
from pix2pix_flax.tasks.representation import Representation
from pix2pix_flax.tasks.scores import Scores
from pix2pix_flax.typing import Batch, Metrics, PyTree

_CONFUSION = "confusion"


@dataclasses.dataclass(frozen=True)
class ColourMaps(Representation):
    """Label maps in the colours of a palette (Isola et al. 2017, section 4.4, photo -> labels).

    The class of a pixel is the class of the nearest colour. Pixels whose nearest colour in the
    target is void count in no score.

    Attributes:
      palette: the classes.
    """

    palette: Palette

    colours: ClassVar[bool] = True
    enlarged_by: ClassVar[str] = "nearest"  # a blend of two colours may be a third class's colour

    @property
    def legend(self) -> dict[str, tuple[int, int, int]]:
        """The colours of the classes and of void, by name."""
        return {name: colour for name, colour, _ in self.palette.entries}

    def to_target(self, images: jax.Array) -> jax.Array:
        """Returns label maps uint8 [B, H, W, 3] in their nearest colours, float32 in [-1, 1]."""
        return paint(nearest_class(normalize(images), self.palette), self.palette)

    def reconstruction(
        self,
        names: Collection[str],
        inputs: jax.Array,
        outputs: jax.Array,
        target: jax.Array,
        weights: jax.Array | None = None,
    ) -> dict[str, jax.Array]:
        """Returns the reconstruction losses among `names`, of which `l1` weights the classes."""
        values = super().reconstruction(names, inputs, outputs, target)
        if weights is not None and "l1" in values:
            by_class = jnp.append(weights, 1.0)[nearest_class(target, self.palette)]
            by_class = (by_class / by_class.mean())[..., None]
            values["l1"] = losses.l1(by_class * outputs, by_class * target)
        return values

    def classify(self, outputs: jax.Array) -> jax.Array:
        """Returns the class of each pixel of the generator's outputs, int32 [B, H, W]."""
        return nearest_class(outputs, self.palette)

    def decode(self, inputs: jax.Array, outputs: jax.Array) -> jax.Array:
        """Returns label maps in the colours of the palette, float32 [B, H, W, 3] in [-1, 1]."""
        del inputs
        # A value that is not a number stays so: tiles measure the network's reach by it.
        is_lost = jnp.isnan(outputs).any(axis=-1, keepdims=True)
        return jnp.where(is_lost, jnp.nan, paint(self.classify(outputs), self.palette))

    def controls(self, batch: Batch, enlarged: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Returns `commonest`: every pixel has the most frequent class of the target."""
        truth = nearest_class(normalize(batch["target"]), self.palette)
        void = self.palette.void
        count = jax.vmap(lambda classes: jnp.bincount(classes.ravel(), length=void))
        commonest = count(truth).argmax(axis=1)[:, None, None]
        return {"commonest": paint(jnp.broadcast_to(commonest, truth.shape), self.palette)}

    def columns(self, controls: dict[str, jax.Array], batch: Batch, output: jax.Array) -> list:
        """Returns photograph, target, output, and output over photograph, uint8 [B, H, W, 3] each.

        Void is black in the target and transparent in the last column.
        """
        photo, palette = batch["input"], self.palette
        truth = paint(nearest_class(normalize(batch["target"]), palette), palette)
        is_void = (nearest_class(output, palette) == palette.void)[..., None]
        over = jnp.where(is_void, normalize(photo), 0.5 * (normalize(photo) + output))
        return [photo, *map(denormalize, (truth, output, over))]

    def captions(self, enlarged_names: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the names of `columns`."""
        del enlarged_names
        return "photo", "target", "output", "output over photo"


@dataclasses.dataclass(frozen=True)
class ClassLogits(ColourMaps):
    """Label maps as a logit for each class: a classifier of pixels, trained by cross-entropy.

    A discriminator sees the probabilities of the classes (Luc et al. 2016, arXiv:1611.08408,
    section 3.1).
    """

    enlarged_by: ClassVar[str] = "linear"

    def to_target(self, images: jax.Array) -> jax.Array:
        """Returns the classes of label maps uint8 [B, H, W, 3], int32 [B, H, W]."""
        return nearest_class(normalize(images), self.palette)

    def to_real(self, target: jax.Array) -> jax.Array:
        """Returns classes [B, H, W] as probabilities, float32 [B, H, W, K]; void has none."""
        return jax.nn.one_hot(target, self.palette.void)

    def to_fake(self, outputs: jax.Array) -> jax.Array:
        """Returns logits [B, H, W, K] as probabilities, float32 [B, H, W, K]."""
        return jax.nn.softmax(outputs)

    def reconstruction(
        self,
        names: Collection[str],
        inputs: jax.Array,
        outputs: jax.Array,
        target: jax.Array,
        weights: jax.Array | None = None,
    ) -> dict[str, jax.Array]:
        """Returns `cross_entropy` of logits [B, H, W, K] and classes [B, H, W], without void."""
        return {"cross_entropy": losses.cross_entropy(outputs, target, weights)}

    def classify(self, outputs: jax.Array) -> jax.Array:
        """Returns the class of the largest logit, int32 [B, H, W]; never void."""
        return outputs.argmax(axis=-1)


@dataclasses.dataclass(frozen=True)
class LabelScores(Scores):
    """Pixel accuracy, class accuracy and mean intersection over union.

    Attributes:
      palette: the classes.
    """

    palette: Palette

    ranked_by: ClassVar[tuple[str, ...]] = ("pixel_error",)

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns the share of wrong pixels, and the confusion matrix.

        Args:
          output: label maps in colours, [B, H, W, 3] in [-1, 1].
          batch: uint8 `target` [B, H, W, 3].
          frozen: unused; these scores have no frozen network.

        Returns:
          `pixel_error` [B], not-a-number if all pixels of a target are void, and `confusion`, int32
          [B, K, K + 1]: the number of pixels by class in the target and by class in the output,
          where void is the last class.
        """
        del frozen
        truth = nearest_class(normalize(batch["target"]), self.palette)
        found = nearest_class(output, self.palette)
        confusion = metrics.confusion(truth, found, self.palette.void + 1)[:, :-1]
        right = jnp.trace(confusion, axis1=1, axis2=2)
        return {"pixel_error": 1.0 - right / confusion.sum((1, 2)), _CONFUSION: confusion}

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns `pixel_accuracy`, `class_accuracy` and `mean_iou` of all pixels together.

        Pixel accuracy is a mean over pixels. The two others are means of `class_scores` over the
        classes for which they are defined.
        """
        confusion = _total(outputs)
        accuracy, iou = class_scores(confusion)
        right = np.trace(confusion)
        return {
            "pixel_accuracy": float(ratio(right, confusion.sum())),
            "class_accuracy": _mean(accuracy),
            "mean_iou": _mean(iou),
        }

    def tables(self, outputs: dict[str, np.ndarray]) -> dict[str, list[dict[str, Any]]]:
        """Returns `classes`: for each its colour, its share of the target, its accuracy and IoU."""
        confusion = _total(outputs)
        shares = ratio(confusion.sum(1), confusion.sum())
        columns = (shares, *class_scores(confusion))
        names = ("share", "accuracy", "iou")
        return {
            "classes": [
                {"class": name, "colour": "#{:02x}{:02x}{:02x}".format(*colour)}
                | {key: float(value) for key, value in zip(names, values, strict=True)}
                for (name, colour, _), *values in zip(
                    self.palette.entries[: self.palette.void], *columns, strict=True
                )
            ]
        }


def _total(outputs: dict[str, np.ndarray]) -> np.ndarray:
    return outputs[_CONFUSION].sum(0, dtype=np.int64)


def _mean(values: np.ndarray) -> float:
    """Returns the mean over the values that are numbers; not-a-number if none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
