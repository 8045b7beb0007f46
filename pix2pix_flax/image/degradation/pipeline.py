"""Blur, resizing, noise and JPEG in a row, twice (Wang et al. 2021, arXiv:2107.10833, figure 2).

Deviations from the paper's code: resizing is antialiased, as in Pillow and in browsers; a share of
the images is reduced cleanly, so that a network does not soften good pictures; large images are not
sharpened.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp

from pix2pix_flax.image.degradation.jpeg import jpeg
from pix2pix_flax.image.degradation.kernels import Blur, blur, draw_final_sinc
from pix2pix_flax.image.degradation.noise import Noise
from pix2pix_flax.image.degradation.resizing import METHODS, Canvas, full_canvas, resize
from pix2pix_flax.image.resampling import imresize

Sides = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Resize:
    """The distribution of a resizing.

    Attributes:
      shares: shares of images that are enlarged, shrunk, and kept in size.
      factors: smallest and largest factor; shrinking takes those under 1, enlarging the others.
    """

    shares: tuple[float, float, float]
    factors: tuple[float, float]

    def draw(self, key: jax.Array) -> jax.Array:
        """Returns a factor."""
        kind_key, key = jax.random.split(key)
        kind = jax.random.choice(kind_key, 3, p=jnp.array(self.shares))
        smallest, largest = self.factors
        low, high = jnp.array([1.0, smallest, 1.0])[kind], jnp.array([largest, 1.0, 1.0])[kind]
        return low + jax.random.uniform(key) * (high - low)


@dataclasses.dataclass(frozen=True)
class Stage:
    """One blur, resizing and noise.

    Attributes:
      blur: the blur.
      resize: the resizing; None: the size is kept.
      noise: the noise.
    """

    blur: Blur
    resize: Resize | None
    noise: Noise

    def __call__(self, key: jax.Array, canvas: Canvas, sides: Sides) -> Canvas:
        """Returns the degraded image; its resizing counts from `sides`, height and width."""
        keys = jax.random.split(key, 4)
        canvas = canvas._replace(levels=blur(canvas.levels, self.blur.draw(keys[0])))
        if self.resize:
            largest = self.resize.factors[1]
            room = tuple(math.ceil(largest * side) for side in sides)
            size = jnp.round(self.resize.draw(keys[1]) * jnp.array(sides)).astype(jnp.int32)
            canvas = resize(canvas, jnp.maximum(size, 1), room, _draw_method(keys[2]))
        return canvas._replace(levels=self.noise.add(keys[3], canvas.levels))


@dataclasses.dataclass(frozen=True)
class Degradation:
    """A way from large to small images.

    Attributes:
      clean: share of the images that MATLAB's bicubic `imresize` reduces, without any degradation.
      first: the first stage, at the size of the large image.
      second: the second stage, about the size of the small image; a JPEG comes before it.
      quality: lowest and highest quality of each JPEG.
      jpeg: share of the images with a JPEG before or after the resizing to the final size.
      final_sinc: share of the images with a sinc filter after this resizing.
    """

    clean: float
    first: Stage
    second: Stage
    quality: tuple[int, int]
    jpeg: float
    final_sinc: float

    def __call__(self, keys: jax.Array, images: jax.Array, scale: int) -> jax.Array:
        """Returns small images uint8 [B, H, W, 3], each with draws of its own.

        Args:
          keys: a random key for each image, [B].
          images: large images uint8 [B, scale * H, scale * W, 3].
          scale: factor of the reduction.
        """
        return jax.vmap(lambda key, image: self._one(key, image, scale))(keys, images)

    def _one(self, key: jax.Array, image: jax.Array, scale: int) -> jax.Array:
        keys = jax.random.split(key, 5)
        large = image.shape[:2]
        small = large[0] // scale, large[1] // scale
        canvas = self.first(keys[0], full_canvas(image), large)
        levels = jpeg(canvas.levels, self._draw_quality(keys[1]))
        canvas = self.second(keys[2], canvas._replace(levels=levels), small)
        levels = self._finish(keys[3], canvas, small)
        levels = jnp.clip(jnp.round(levels), 0, 255).astype(jnp.uint8)
        is_clean = jax.random.bernoulli(keys[4], self.clean)
        return jnp.where(is_clean, imresize(image[jnp.newaxis], *small)[0], levels)

    def _finish(self, key: jax.Array, canvas: Canvas, small: Sides) -> jax.Array:
        """Returns the image in its final size, with a sinc filter and a JPEG in either order."""
        keys = jax.random.split(key, 5)
        method, quality = _draw_method(keys[0]), self._draw_quality(keys[1])
        kernel = draw_final_sinc(keys[2], self.final_sinc)
        has_jpeg = jax.random.bernoulli(keys[3], self.jpeg)

        def compressed(levels):
            return jnp.where(has_jpeg, jpeg(levels, quality), levels)

        def reduced(levels):
            size = jnp.array(small, jnp.int32)
            return blur(resize(Canvas(levels, canvas.size), size, small, method).levels, kernel)

        return jnp.where(
            jax.random.bernoulli(keys[4]),
            compressed(reduced(canvas.levels)),
            reduced(compressed(canvas.levels)),
        )

    def _draw_quality(self, key: jax.Array) -> jax.Array:
        lowest, highest = self.quality
        return jax.random.randint(key, (), lowest, highest + 1)


def _draw_method(key: jax.Array) -> jax.Array:
    return jax.random.randint(key, (), 0, len(METHODS))


_SHAPES = (0.7, 0.15, 0.15)
_LIGHT = Degradation(
    clean=0.2,
    first=Stage(
        Blur(0.5, 0.0, 0.6, _SHAPES, (0.2, 1.5)),
        None,
        Noise(0.3, 0.5, 0.4, (1.0, 10.0), (0.05, 1.0)),
    ),
    second=Stage(
        Blur(0.0, 0.0, 1.0, _SHAPES, (0.2, 0.4)),
        Resize((0.2, 0.3, 0.5), (0.6, 1.2)),
        Noise(0.5, 0.5, 0.4, (1.0, 15.0), (0.05, 1.5)),
    ),
    quality=(40, 95),
    jpeg=0.8,
    final_sinc=0.1,
)
# The distributions of the code of Wang et al., but for the share of clean images.
_REAL = Degradation(
    clean=0.1,
    first=Stage(
        Blur(1.0, 0.1, 0.6, _SHAPES, (0.2, 3.0)),
        Resize((0.2, 0.7, 0.1), (0.15, 1.5)),
        Noise(1.0, 0.5, 0.4, (1.0, 30.0), (0.05, 3.0)),
    ),
    second=Stage(
        Blur(0.8, 0.1, 0.6, _SHAPES, (0.2, 1.5)),
        Resize((0.3, 0.4, 0.3), (0.3, 1.2)),
        Noise(1.0, 0.5, 0.4, (1.0, 25.0), (0.05, 2.5)),
    ),
    quality=(30, 95),
    jpeg=1.0,
    final_sinc=0.8,
)

PRESETS: dict[str, Degradation | None] = {"clean": None, "light": _LIGHT, "real": _REAL}
"""Degradations by name; None: MATLAB's bicubic `imresize` alone."""
