"""Blur kernels drawn at random (Wang et al. 2021, arXiv:2107.10833, sections 3.1 and 3.3)."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax.image.padding import reflect_border

RADIUS = 10
"""Every kernel is float32 [21, 21]; a smaller one has zeros around it."""

_SMALLEST = 3  # radius in pixels: kernels are 7x7 to 21x21
_Y, _X = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1].astype(np.float32)
_DISTANCE = np.hypot(_X, _Y)
_ANGLES = 64  # points of the integral for the Bessel function; exact to float32 up to 14 pi


@dataclasses.dataclass(frozen=True)
class Blur:
    """The distribution of a blur.

    Attributes:
      probability: share of the images that are blurred.
      sinc: share of the sinc kernels among the kernels; the others are bell-shaped.
      isotropic: share of the isotropic kernels among the bell-shaped ones.
      shapes: shares of Gaussian, generalized Gaussian and plateau kernels.
      sigma: smallest and largest standard deviation along an axis, in pixels.
    """

    probability: float
    sinc: float
    isotropic: float
    shapes: tuple[float, float, float]
    sigma: tuple[float, float]

    _BETAS = np.float32([[1.0, 1.0], [0.5, 4.0], [1.0, 2.0]])

    def draw(self, key: jax.Array) -> jax.Array:
        """Returns a kernel, float32 [21, 21]; the unit impulse for an image without blur."""
        keys = jax.random.split(key, 9)
        uniform = [jax.random.uniform(each) for each in keys[:5]]
        radius = jax.random.randint(keys[5], (), _SMALLEST, RADIUS + 1)
        shape = jax.random.choice(keys[6], 3, p=jnp.array(self.shapes))
        sigma = jax.random.uniform(keys[7], (2,), minval=self.sigma[0], maxval=self.sigma[1])
        sigma = jnp.where(uniform[0] < self.isotropic, sigma[0], sigma)
        beta = self._beta(keys[8], shape)
        bell = bell_kernel(sigma, jnp.pi * uniform[1], beta, shape == 2, radius)
        lowest = jnp.where(radius < 6, jnp.pi / 3, jnp.pi / 5)
        cutoff = lowest + uniform[2] * (jnp.pi - lowest)
        kernel = jnp.where(uniform[3] < self.sinc, sinc_kernel(cutoff, radius), bell)
        return jnp.where(uniform[4] < self.probability, kernel, impulse())

    def _beta(self, key: jax.Array, shape: jax.Array) -> jax.Array:
        """Returns the exponent: half of the draws lie below 1, if the shape has any there."""
        low, high = jnp.asarray(self._BETAS)[shape]
        below, place = jax.random.uniform(key, (2,))
        return jnp.where(below < 0.5, low + place * (1.0 - low), 1.0 + place * (high - 1.0))


def draw_final_sinc(key: jax.Array, probability: float) -> jax.Array:
    """Returns a sinc kernel, float32 [21, 21], or for the other images the unit impulse."""
    keys = jax.random.split(key, 3)
    cutoff = jax.random.uniform(keys[0], minval=jnp.pi / 3, maxval=jnp.pi)
    radius = jax.random.randint(keys[1], (), _SMALLEST, RADIUS + 1)
    return jnp.where(
        jax.random.bernoulli(keys[2], probability), sinc_kernel(cutoff, radius), impulse()
    )


def bell_kernel(
    sigma: jax.Array, angle: jax.Array, beta: jax.Array, plateau: jax.Array, radius: jax.Array
) -> jax.Array:
    """Returns a bell-shaped kernel of sum 1, float32 [21, 21] (Wang et al., equations 2 to 4).

    With q, the squared distance in standard deviations, it is exp(-q^beta / 2), a Gaussian if beta
    is 1; or 1 / (1 + q^beta), which has a plateau.

    Args:
      sigma: standard deviations along both axes of the kernel, [2], in pixels.
      angle: angle of the first axis to the x axis, in radians.
      beta: exponent, more than 0.
      plateau: whether the kernel has a plateau.
      radius: the kernel has 2 * radius + 1 rows and columns that are not 0; at most `RADIUS`.
    """
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    along, across = _X * cosine + _Y * sine, _Y * cosine - _X * sine
    power = ((along / sigma[0]) ** 2 + (across / sigma[1]) ** 2) ** beta
    return _unit_sum(jnp.where(plateau, 1.0 / (1.0 + power), jnp.exp(-0.5 * power)), radius)


def sinc_kernel(cutoff: jax.Array, radius: jax.Array) -> jax.Array:
    """Returns the ideal low-pass kernel of sum 1, float32 [21, 21] (Wang et al., equation 6).

    It makes the ringing at edges that sharpening and strong compression leave.

    Args:
      cutoff: cutoff frequency, up to pi.
      radius: see `bell_kernel`.
    """
    distance = np.maximum(_DISTANCE, 1e-6)
    ring = cutoff * _bessel(cutoff * distance) / (2 * jnp.pi * distance)
    return _unit_sum(jnp.where(_DISTANCE == 0, cutoff**2 / (4 * jnp.pi), ring), radius)


def impulse() -> np.ndarray:
    """Returns the kernel that changes nothing, float32 [21, 21]."""
    return np.float32(_DISTANCE == 0)


def blur(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns an image [H, W, C] filtered with a kernel [21, 21]; its border is reflected.

    By Fourier transforms: a convolution has 441 products for each pixel.
    """
    padded = reflect_border(images[jnp.newaxis], RADIUS)[0]
    size = padded.shape[:2]
    centred = jnp.zeros(size).at[: kernel.shape[0], : kernel.shape[1]].set(kernel)
    response = jnp.fft.rfft2(centred, axes=(0, 1))[..., jnp.newaxis]
    filtered = jnp.fft.irfft2(jnp.fft.rfft2(padded, axes=(0, 1)) * response, size, axes=(0, 1))
    return filtered[2 * RADIUS :, 2 * RADIUS :]


def _unit_sum(kernel: jax.Array, radius: jax.Array) -> jax.Array:
    inside = jnp.maximum(abs(_X), abs(_Y)) <= radius
    kernel = jnp.where(inside, kernel, 0.0)
    return kernel / jnp.sum(kernel)


def _bessel(x: jax.Array) -> jax.Array:
    """Returns the Bessel function J1 by Bessel's integral, whose integrand is periodic."""
    angle = (np.arange(_ANGLES, dtype=np.float32) + 0.5) * np.float32(np.pi / _ANGLES)
    return jnp.mean(jnp.cos(angle - x[..., jnp.newaxis] * np.sin(angle)), axis=-1)
