"""Super-resolution of reduced pictures beside the pictures themselves, and its scores."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import Picture, eight_bits
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.image.resampling import imresize
from pix2pix_flax.image.sheet import beside, panel
from pix2pix_flax.models.frozen.weights import WeightsMissingError
from pix2pix_flax.tasks.super_resolution import SuperResolutionScores

CAPTIONS = ("low", "SR", "high")
_PROBE = 16  # pixels: side of the picture that shows the scale
_SHOWN = ("psnr_y", "ssim_y", "lpips")


@dataclasses.dataclass
class Comparison:
    """Reduces each picture as papers do, enlarges it again, and compares.

    Attributes:
      translate: uint8 RGB [1, H, W, 3] -> uint8 RGB [1, sH, sW, 3].
      scores: by the name of the picture, the scores of the network and of bicubic interpolation.

    Raises:
      UserError: `translate` does not enlarge by a whole number.
    """

    translate: Callable[[np.ndarray], np.ndarray]
    scores: dict[str, dict[str, dict[str, float]]] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        height = self.translate(np.zeros((1, _PROBE, _PROBE, 3), np.uint8)).shape[1]
        self._scale = height // _PROBE
        if self._scale < 2 or height % _PROBE:
            raise UserError("--compare is for networks that enlarge pictures by a whole number")
        self._scorer = SuperResolutionScores(True, self._scale)
        try:
            self._frozen = self._scorer.load_frozen()
        except WeightsMissingError:  # without the extra `lpips`, all other scores
            self._scorer, self._frozen = SuperResolutionScores(False, self._scale), {}
        self._score = jax.jit(self._scorer.score)

    def __call__(self, source: Path, picture: Picture) -> np.ndarray:
        """Returns low | SR | high under captions, uint8 [H, W, 3], and keeps the scores.

        Args:
          source: the file of the picture, which names its scores.
          picture: a large picture; it is cut to multiples of the scale, without transparency.

        Raises:
          UserError: the picture is too small to be scored.
        """
        scale = self._scale
        rgb = eight_bits(picture.rgb)
        height, width = (side // scale for side in rgb.shape[:2])
        high = rgb[np.newaxis, : scale * height, : scale * width]
        if min(high.shape[1:3]) < 32 + 2 * scale:
            raise UserError(f"{source} is too small to be compared")
        low = np.asarray(imresize(high, height, width))
        output = np.asarray(self.translate(low))
        bicubic = np.asarray(imresize(low, *high.shape[1:3]))
        self.scores[str(source)] = {
            name: self._scores_of(images, high)
            for name, images in (("network", output), ("bicubic", bicubic))
        }
        nearest = low.repeat(scale, axis=1).repeat(scale, axis=2)
        return panel([beside([nearest[0], output[0], high[0]])], CAPTIONS)

    def _scores_of(self, images: np.ndarray, high: np.ndarray) -> dict[str, float]:
        found = self._score(normalize(images), {"target": high}, self._frozen)
        return {name: float(found[name][0]) for name in _SHOWN if name in found}

    def __str__(self) -> str:
        """Returns a table: a row for each picture, and their means."""
        if not self.scores:
            return ""
        rows = [(Path(name).name, scores) for name, scores in self.scores.items()]
        kinds = {kind: list(scores) for kind, scores in rows[0][1].items()}
        means = {
            kind: {name: np.mean([row[kind][name] for _, row in rows]) for name in names}
            for kind, names in kinds.items()
        }
        width = max(len(name) for name, _ in [*rows, ("picture", {})])
        columns = [f"{kind} {name}" for kind, names in kinds.items() for name in names]
        lines = ["  ".join(["picture".ljust(width), *columns])]
        for name, scores in [*rows, ("mean", means)]:
            cells = [f"{scores[kind][each]:.4f}" for kind in kinds for each in kinds[kind]]
            cells = [cell.rjust(len(at)) for cell, at in zip(cells, columns, strict=True)]
            lines.append("  ".join([name.ljust(width), *cells]))
        return "\n".join(lines)
