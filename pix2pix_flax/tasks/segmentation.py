"""From photographs to label maps: colour-coded by pix2pix, or by a classifier of each pixel."""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax import losses, metrics
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.image.palettes import Palette
from pix2pix_flax.metrics.segmentation import class_scores, ratio
from pix2pix_flax.tasks.pix2pix import Pix2Pix
from pix2pix_flax.tasks.resolution import Reduced
from pix2pix_flax.tasks.supervised import Supervised
from pix2pix_flax.typing import Batch, Metrics, PyTree

_CONFUSION = "confusion"


@dataclasses.dataclass(frozen=True, eq=False)
class LabelMaps(Reduced):
    """Targets and what is predicted are label maps, pictures in the colours of a palette.

    Pixels whose colour in the target is nearest to that of void count nowhere.

    Attributes:
      palette: the classes.
    """

    palette: Palette

    colours: ClassVar[bool] = True
    ranked_by: ClassVar[tuple[str, ...]] = ("pixel_error",)

    @property
    def legend(self) -> dict[str, tuple[int, int, int]]:
        """The colours of the classes and of void, by name."""
        return {name: colour for name, colour, _ in self.palette.entries}

    def nearest(self, images: jax.Array) -> jax.Array:
        """Returns the class of the nearest colour by Euclid, void included, int32 [B, H, W].

        Args:
          images: [B, H, W, 3] in [-1, 1].
        """
        classes = jnp.zeros(images.shape[:-1], jnp.int32)
        least = jnp.full(images.shape[:-1], jnp.inf)
        # One colour after the other: the distances of all at once would take 20 pictures' memory.
        for number, colour in enumerate(normalize(self.palette.colours)):
            distance = jnp.sum(jnp.square(images - colour), axis=-1)
            classes = jnp.where(distance < least, number, classes)
            least = jnp.minimum(distance, least)
        return classes

    def paint(self, classes: jax.Array) -> jax.Array:
        """Returns classes int [B, H, W] in their colours, float32 [B, H, W, 3] in [-1, 1]."""
        return jnp.asarray(normalize(self.palette.colours))[classes]

    def classify(self, outputs: jax.Array) -> jax.Array:
        """Returns the class that what G returned stands for, int32 [B, H, W]."""
        return self.nearest(outputs)

    def predict(self, variables: PyTree, inputs: jax.Array) -> jax.Array:
        """Returns label maps float32 [B, H, W, 3] in [-1, 1] for uint8 photographs [B, H, W, 3]."""
        outputs = self.generate(variables, self.to_input(inputs))
        # What is no number stays none: by that, tiles are told how far the network reaches.
        is_lost = jnp.isnan(outputs).any(axis=-1, keepdims=True)
        return jnp.where(is_lost, jnp.nan, self.paint(self.classify(outputs)))

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns what `summarize` takes, and the share of wrong pixels.

        Args:
          output: [B, H, W, 3] in [-1, 1].
          batch: uint8 `target` [B, H, W, 3].
          frozen: not looked at.

        Returns:
          `pixel_error` [B], not-a-number where all of a target is void, and `confusion`, int32
          [B, K, K + 1]: pixels by their class in the target and in the output, there void last.
        """
        del frozen
        truth, found = self.nearest(normalize(batch["target"])), self.nearest(output)
        confusion = metrics.confusion(truth, found, self.palette.void + 1)[:, :-1]
        right = jnp.trace(confusion, axis1=1, axis2=2)
        return {"pixel_error": 1.0 - right / confusion.sum((1, 2)), _CONFUSION: confusion}

    def controls(self, batch: Batch) -> dict[str, jax.Array]:
        """Returns `commonest`: the class that most of a target's pixels have, everywhere."""
        truth = self.nearest(normalize(batch["target"]))
        count = jax.vmap(lambda classes: jnp.bincount(classes.ravel(), length=self.palette.void))
        commonest = count(truth).argmax(axis=1)[:, None, None]
        return {"commonest": self.paint(jnp.broadcast_to(commonest, truth.shape))}

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns `pixel_accuracy`, `class_accuracy` and `mean_iou` of all pixels together.

        The first is over pixels; the others are means over classes, of what `class_scores` gives
        and where that is defined.
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
                {"class": name, "colour": "#{:02x}{:02x}{:02x}".format(*self.legend[name])}
                | {key: float(value) for key, value in zip(names, values, strict=True)}
                for name, *values in zip(self.palette.names, *columns, strict=True)
            ]
        }

    def columns(self, batch: Batch, output: jax.Array) -> list[jax.Array]:
        """Returns photograph, target, output, and the output over the photograph, uint8 each.

        Void is black in the target and transparent in the last.
        """
        photo, truth = batch["input"], self.paint(self.nearest(normalize(batch["target"])))
        is_void = (self.nearest(output) == self.palette.void)[..., None]
        over = jnp.where(is_void, normalize(photo), 0.5 * (normalize(photo) + output))
        return [photo, *map(denormalize, (truth, output, over))]


@dataclasses.dataclass(frozen=True, eq=False)
class AdversarialSegmentation(LabelMaps, Pix2Pix):
    """Pix2Pix to colour-coded maps; each pixel's class is that of the nearest colour.

    As Isola et al. 2017, section 4.4, photo -> labels.
    """

    enlarged: ClassVar[str] = "nearest"  # between two colours may lie a third one's

    def to_target(self, pictures: jax.Array) -> jax.Array:
        """Returns label maps uint8 [B, H, W, 3] in their nearest colours, float32 in [-1, 1]."""
        return self.paint(self.nearest(normalize(pictures)))


@dataclasses.dataclass(frozen=True, eq=False)
class SupervisedSegmentation(LabelMaps, Supervised):
    """The discriminative baseline: G returns a logit a class, and learns by cross-entropy."""

    def to_target(self, pictures: jax.Array) -> jax.Array:
        """Returns the classes of label maps uint8 [B, H, W, 3], int32 [B, H, W]."""
        return self.nearest(normalize(pictures))

    def reconstruction(self, output: jax.Array, target: jax.Array) -> dict[str, jax.Array]:
        """Returns `cross_entropy` of logits [B, H, W, K] and classes [B, H, W], without void."""
        return {"cross_entropy": losses.cross_entropy(output, target)}

    def classify(self, outputs: jax.Array) -> jax.Array:
        """Returns the class of the largest logit, int32 [B, H, W]; never void."""
        return outputs.argmax(axis=-1)


def _total(outputs: dict[str, np.ndarray]) -> np.ndarray:
    return outputs[_CONFUSION].sum(0, dtype=np.int64)


def _mean(values: np.ndarray) -> float:
    """Returns the mean over what is a number; not-a-number where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
