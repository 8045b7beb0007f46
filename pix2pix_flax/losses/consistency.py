"""A loss for steady videos: the output should move with its input and ignore noise."""

import dataclasses

import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError

_BORDER = 8  # pixels next to the wrapped edge that the loss leaves out too
_OCTAVES = 4  # the noise has grains of 1, 2, 4 and 8 pixels, ...
_DECAY = 0.5  # ... each with this share of the deviation of the grains before
_FAINTEST = 4  # the faintest noise has 2**-4 of the strongest one's deviation
_STILL = 0.5  # share of the images that do not move, as behind a still camera


@dataclasses.dataclass(frozen=True)
class Consistency:
    """The loss |G(T(x)) - T(G(x))| for small translations T; T(x) also has noise.

    Half of the translations are none: beside the difference that a movement makes, the loss would
    not feel the faint noise of a still camera, which areas of soft paint enlarge.

    If the output for an object depends on the pixel at which the object begins, a video flickers
    (Eilertsen, Mantiuk and Unger, "Single-frame Regularization for Temporally Stable CNNs", 2019,
    equation 6). Gradients flow into both terms. One pass of the generator computes both: the moved
    inputs are the second half of its batch.

    Attributes:
      max_shift: largest translation in pixels, each way.
      noise: standard deviation of the finest noise, for images in [-1, 1], of the noisiest
        images; the others have a share of it, down to a sixteenth.
    """

    max_shift: int
    noise: float

    def draw(self, rng: jax.Array, count: int) -> jax.Array:
        """Draws a translation for each image, int32 [count, 2]: pixels down and to the right."""
        low, high = -self.max_shift, self.max_shift + 1
        offsets = jax.random.randint(jax.random.fold_in(rng, 0), (count, 2), low, high)
        is_still = jax.random.bernoulli(jax.random.fold_in(rng, 2), _STILL, (count, 1))
        return jnp.where(is_still, 0, offsets)

    def views(self, rng: jax.Array, images: jax.Array) -> jax.Array:
        """Returns [2B, H, W, C]: `images` in [-1, 1], and the same images moved and with noise."""
        moved = _shift(images, self.draw(rng, len(images)))
        shape = (len(images), 1, 1, 1)
        halvings = jax.random.uniform(jax.random.fold_in(rng, 3), shape, maxval=_FAINTEST)
        noise = self.noise * 2**-halvings * _noise(jax.random.fold_in(rng, 1), images.shape)
        return jnp.concatenate([images, jnp.clip(moved + noise, -1.0, 1.0)])

    def loss(self, rng: jax.Array, outputs: jax.Array, scale: int = 1) -> jax.Array:
        """Returns the mean absolute difference, away from the borders.

        Args:
          rng: the key that `views` was called with.
          outputs: the generator's outputs for these views, [2B, H, W, C].
          scale: size of the outputs divided by the size of the views.

        Raises:
          UserError: if the images are so small that no pixel is left inside the borders.
        """
        first, moved = jnp.split(outputs, 2)
        margin = scale * self.max_shift + _BORDER
        if min(outputs.shape[1:3]) <= 2 * margin:
            raise UserError(
                f"config.sizes.crop must be over {2 * margin} for config.loss_weights.consistency."
            )
        difference = jnp.abs(moved - _shift(first, scale * self.draw(rng, len(first))))
        return jnp.mean(difference[:, margin:-margin, margin:-margin])


def _noise(rng: jax.Array, shape: tuple[int, int, int, int]) -> jax.Array:
    """Returns noise with grains of several sizes, float32 [B, H, W, C].

    The noise of films has large grains too, and the blocks of a codec have 8 pixels. A network
    averages noise of single pixels away, and then paints soft areas that flicker.
    """
    batch, height, width, channels = shape
    total = jnp.zeros(shape)
    for octave in range(_OCTAVES):
        grain = 2**octave
        small = (batch, -(-height // grain), -(-width // grain), channels)
        noise = _DECAY**octave * jax.random.normal(jax.random.fold_in(rng, octave), small)
        total += noise.repeat(grain, axis=1).repeat(grain, axis=2)[:, :height, :width]
    return total


def _shift(images: jax.Array, offsets: jax.Array) -> jax.Array:
    """Returns images moved by whole pixels; pixels that leave on one side enter on the other."""
    return jax.vmap(lambda image, offset: jnp.roll(image, offset, axis=(0, 1)))(images, offsets)
