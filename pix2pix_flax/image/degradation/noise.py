"""Noise of cameras, in colour or grey (Wang et al. 2021, arXiv:2107.10833, section 3.1)."""

import dataclasses

import jax
import jax.numpy as jnp

from pix2pix_flax.image.colour import LUMA

_COUNTS = 256.0  # photons of a white pixel, for Poisson noise of strength 1


@dataclasses.dataclass(frozen=True)
class Noise:
    """The distribution of noise.

    Attributes:
      probability: share of the images that get noise.
      gaussian: share of Gaussian noise; the other images with noise get Poisson noise.
      grey: share of noise that is equal in all channels.
      sigma: smallest and largest standard deviation of Gaussian noise, in levels of 255.
      strength: smallest and largest factor of Poisson noise, whose variance is the level; at
        strength 1 white has 256 photons.
    """

    probability: float
    gaussian: float
    grey: float
    sigma: tuple[float, float]
    strength: tuple[float, float]

    def add(self, key: jax.Array, levels: jax.Array) -> jax.Array:
        """Returns an image float32 [H, W, 3] in 0..255 with noise, clipped to 0..255."""
        keys = jax.random.split(key, 5)
        has_noise, is_gaussian, is_grey = (
            jax.random.bernoulli(each, share)
            for each, share in zip(
                keys[:3], (self.probability, self.gaussian, self.grey), strict=True
            )
        )
        normal = jax.random.normal(keys[3], levels.shape)
        normal = jnp.where(is_grey, normal[..., :1], normal)
        place = jax.random.uniform(keys[4])
        sigma = self.sigma[0] + place * (self.sigma[1] - self.sigma[0])
        strength = self.strength[0] + place * (self.strength[1] - self.strength[0])
        scale = jnp.where(is_gaussian, sigma, strength * poisson_sigma(levels, is_grey))
        return jnp.clip(levels + has_noise * scale * normal, 0.0, 255.0)


def poisson_sigma(levels: jax.Array, is_grey: jax.Array) -> jax.Array:
    """Returns the standard deviation of Poisson noise, in levels, [H, W, 3].

    Deviation from the paper's code: counts are drawn from the normal distribution of the same mean
    and variance. A Poisson draw takes a loop for each pixel; both differ only near black.

    Args:
      levels: float32 [H, W, 3] in 0..255.
      is_grey: whether the luma of a pixel decides for all its channels.
    """
    luma = jnp.sum(levels * LUMA, axis=-1, keepdims=True)
    counts = jnp.where(is_grey, luma, levels) * (_COUNTS / 255.0)
    return jnp.sqrt(jnp.maximum(counts, 0.0)) * (255.0 / _COUNTS)
