"""Loss terms that compare features of a frozen network."""

import dataclasses

import jax
import jax.numpy as jnp

from pix2pix_flax import losses
from pix2pix_flax.models.frozen.lpips import features, lpips
from pix2pix_flax.models.frozen.weights import load_lpips_weights
from pix2pix_flax.typing import PyTree

TERMS = ("perceptual", "lpips")
_BLUR = 4  # pixels; a generator at first misses details of about this size


@dataclasses.dataclass(frozen=True)
class Perceptual:
    """Distances between features of a frozen network, in units of a distance between pixels.

    The raw value of a feature distance depends on the layers and on the images, so it is
    calibrated on the first batch. For blurred images, which is how generators err at first, a
    weight of 100 then has the same effect as a weight of 100 of L1 (or of MSE).

    Attributes:
      terms: the terms that have a weight, out of `perceptual` (Johnson et al. 2016, equation 2) and
        `lpips` (Zhang et al. 2018, equation 1).
      net: `vgg16`, or `alexnet`, which takes a twentieth of the time.
      layers: weights of the five feature maps in `perceptual`; the maps of VGG16 are relu1_2,
        relu2_2, relu3_3, relu4_3 and relu5_3.
      distance: distance between feature maps in `perceptual`, and between pixels in the
        calibration of both terms: `l1`, or `l2` as in equation 2 of Johnson et al.
    """

    terms: tuple[str, ...]
    net: str
    layers: tuple[float, ...]
    distance: str

    def load(self) -> PyTree:
        """Returns the frozen weights, NumPy arrays.

        Raises:
          WeightsMissingError: if the extra `lpips` is not installed.
        """
        return load_lpips_weights(self.net)

    def calibrate(self, weights: PyTree, target: jax.Array) -> dict[str, jax.Array]:
        """Returns the factor that calibrates each term, float32 scalars by name.

        Args:
          weights: frozen weights, as `load` returns them.
          target: [B, H, W, 3] in [-1, 1].
        """
        batch, height, width, channels = target.shape
        small = (batch, -(-height // _BLUR), -(-width // _BLUR), channels)
        blurred = jax.image.resize(
            jax.image.resize(target, small, "linear"), target.shape, "linear"
        )
        unit = self._between(blurred, target)
        return {
            name: unit / jnp.maximum(value, 1e-6)
            for name, value in self._raw(weights, blurred, target).items()
        }

    def losses(
        self, weights: PyTree, scales: dict[str, jax.Array], output: jax.Array, target: jax.Array
    ) -> dict[str, jax.Array]:
        """Returns the calibrated terms, float32 scalars by name; gradients flow into `output`.

        Args:
          weights: frozen weights, as `load` returns them.
          scales: factors, as `calibrate` returns them.
          output: [B, H, W, 3] in [-1, 1], of a size that `lpips` accepts.
          target: [B, H, W, 3] in [-1, 1].
        """
        raw = self._raw(weights, output, target)
        return {name: scales[name] * value for name, value in raw.items()}

    def _between(self, output: jax.Array, target: jax.Array) -> jax.Array:
        return losses.RECONSTRUCTION_LOSSES[self.distance](output, target)

    def _raw(self, weights: PyTree, output: jax.Array, target: jax.Array) -> dict[str, jax.Array]:
        found = {}
        if "perceptual" in self.terms:
            maps = (features(weights, images, net=self.net) for images in (output, target))
            distances = [self._between(a, b) for a, b in zip(*maps, strict=True)]
            found["perceptual"] = sum(
                weight * value for weight, value in zip(self.layers, distances, strict=True)
            )
        if "lpips" in self.terms:
            found["lpips"] = lpips(weights, output, target, net=self.net, precision=None).mean()
        return found
