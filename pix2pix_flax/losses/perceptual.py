"""Loss terms that compare features of a frozen network."""

import dataclasses

import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError, choose
from pix2pix_flax import losses
from pix2pix_flax.models.frozen.lpips import features, lpips
from pix2pix_flax.models.frozen.vgg import VGG19
from pix2pix_flax.models.frozen.vgg19_weights import load_vgg19
from pix2pix_flax.models.frozen.weights import LPIPS_NETS, load_lpips_weights
from pix2pix_flax.typing import PyTree

TERMS = ("perceptual", "lpips")
_VGG19 = "vgg19"
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
      net: the network of `perceptual`: `vgg16`, `vgg19`, or `alexnet`, which takes a twentieth of
        the time.
      vgg19_file: the weights of `vgg19`, see `load_vgg19`.
      lpips_net: the network of `lpips`, `vgg16` or `alexnet`; empty: the same as `net`.
      layers: weights of the five feature maps in `perceptual`; the maps of VGG16 are relu1_2,
        relu2_2, relu3_3, relu4_3 and relu5_3.
      rectified: whether maps of `vgg19` are taken after their activation.
      map_scale: factor of the maps in `perceptual`, which is then not calibrated, as in Ledig et
        al. 2017, section 2.2.1: 1 / 12.75; 0: calibrated.
      distance: distance between feature maps in `perceptual`, and between pixels in the
        calibration of both terms: `l1`, or `l2` as in equation 2 of Johnson et al.

    Raises:
      UserError: a network is unknown, or there is none for a term.
    """

    terms: tuple[str, ...]
    net: str
    vgg19_file: str
    lpips_net: str
    layers: tuple[float, ...]
    rectified: bool
    map_scale: float
    distance: str

    def __post_init__(self):
        choose(dict.fromkeys((*LPIPS_NETS, _VGG19)), "config.perceptual.net", self.net)
        if "lpips" in self.terms:
            known = dict.fromkeys(LPIPS_NETS)
            choose(known, "config.perceptual.lpips_net", self._net_of("lpips"))
        if not self.rectified and self.net != _VGG19:
            raise UserError(
                f"config.perceptual.rectified must be True for {self.net}: only the maps of vgg19 "
                "can be taken before their activation."
            )

    def _net_of(self, term: str) -> str:
        return self.net if term == "perceptual" else self.lpips_net or self.net

    def load(self) -> PyTree:
        """Returns the frozen weights of each network that a term has, NumPy arrays.

        Raises:
          WeightsMissingError: if the extra `lpips` is not installed.
          WeightsError: the file of VGG19 is not named, or holds no VGG19.
        """
        nets = {self._net_of(term) for term in self.terms}
        return {
            net: load_vgg19(self.vgg19_file) if net == _VGG19 else load_lpips_weights(net)
            for net in nets
        }

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
            name: self._factor(name, unit / jnp.maximum(value, 1e-6))
            for name, value in self._raw(weights, blurred, target).items()
        }

    def _factor(self, term: str, calibrated: jax.Array) -> jax.Array:
        if term != "perceptual" or not self.map_scale:
            return calibrated
        power = {"l1": 1, "l2": 2}[self.distance]  # the map_scale is of maps, not of distances
        return jnp.full_like(calibrated, self.map_scale**power)

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
            maps = (self._maps(weights[self.net], images) for images in (output, target))
            # A map without a weight is left out, so that XLA drops the layers that only it needs.
            found["perceptual"] = sum(
                weight * self._between(*pair)
                for weight, pair in zip(self.layers, zip(*maps, strict=True), strict=True)
                if weight
            )
        if "lpips" in self.terms:
            net = self._net_of("lpips")
            found["lpips"] = lpips(weights[net], output, target, net=net, precision=None).mean()
        return found

    def _maps(self, weights: PyTree, images: jax.Array) -> tuple[jax.Array, ...]:
        if self.net != _VGG19:
            return features(weights, images, net=self.net)
        images = (images - weights["shift"]) / weights["scale"]
        return VGG19(rectified=self.rectified).apply({"params": weights["features"]}, images)
