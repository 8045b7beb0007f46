"""Scores of outputs against targets: an example at a time, then over a split."""

import abc
import dataclasses
from typing import Any, ClassVar

import jax
import numpy as np

from pix2pix_flax import metrics
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.models.frozen.lpips import lpips
from pix2pix_flax.models.frozen.weights import load_lpips_weights
from pix2pix_flax.typing import Batch, Metrics, PyTree


@dataclasses.dataclass(frozen=True)
class Scores(abc.ABC):
    """Scores of examples, and their means over a split. Kinds of outputs override the scores."""

    ranked_by: ClassVar[tuple[str, ...]] = ()
    """Scores of which less is better. The first that is available ranks the examples."""

    def load_frozen(self) -> PyTree:
        """Returns the NumPy weights of frozen networks that `score` takes, by name."""
        return {}

    @abc.abstractmethod
    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns arrays with the leading axis B, by name.

        Args:
          output: the results, float32 [B, H, W, 3] in [-1, 1].
          batch: uint8 `input` and `target`, [B, H, W, C].
          frozen: the weights of `load_frozen`, on the devices.
        """

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the mean of each score over the examples of a split.

        An output that equals its target has an infinite PSNR, which is left out of the mean.
        """
        return {name: _mean(values) for name, values in outputs.items()}

    def summary_names(self, outputs: dict[str, np.ndarray]) -> set[str]:
        """Returns the names of all scalars that `summarize` gives for some values of the arrays.

        Args:
          outputs: arrays like those of `score`; their values do not count.
        """
        return set(self.summarize(outputs))

    def tables(self, outputs: dict[str, np.ndarray]) -> dict[str, list[dict[str, Any]]]:
        """Returns tables with more rows than a summary, by name; most scores have none."""
        del outputs
        return {}


@dataclasses.dataclass(frozen=True)
class ImageScores(Scores):
    """L1, PSNR, SSIM and, if asked for, LPIPS by AlexNet.

    Attributes:
      lpips: whether LPIPS is one of the scores (extra `lpips`).
    """

    lpips: bool

    ranked_by: ClassVar[tuple[str, ...]] = ("lpips", "l1")

    def load_frozen(self) -> PyTree:
        """Returns the weights of AlexNet if LPIPS is scored.

        Raises:
          WeightsMissingError: the extra `lpips` is not installed.
        """
        return {"alexnet": load_lpips_weights("alexnet")} if self.lpips else {}

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns `l1`, `psnr`, `ssim` and, if asked for, `lpips`, [B] each."""
        # A user gets 8 bits, so 8 bits are scored.
        output, target = normalize(denormalize(output)), normalize(batch["target"])
        found = {
            "l1": metrics.l1(output, target),
            "psnr": metrics.psnr(output, target),
            "ssim": metrics.ssim(output, target),
        }
        if self.lpips:
            found["lpips"] = lpips(frozen["alexnet"], output, target, net="alexnet")
        return found


def _mean(values: np.ndarray) -> float:
    limited = values[values != np.inf]
    return float(np.mean(limited if len(limited) else values))
