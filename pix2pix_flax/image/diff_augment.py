"""Differentiable augmentation (Zhao et al. 2020, arXiv:2006.10738).

Real and generated images are changed before the discriminator sees them, so that it cannot memorise
a small dataset.
"""

import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError

_SHIFT = 1 / 8  # largest shift, as a share of height and width
_HOLE = 1 / 2  # size of the hole, as a share of height and width


def diff_augment(
    rng: jax.Array, images: jax.Array, *, policy: tuple[str, ...], probability: float
) -> jax.Array:
    """Returns images [B, H, W, C], each changed at random; gradients flow through the changes.

    Args:
      rng: random key; the same key changes images at the same index of two batches in the same way.
      images: [B, H, W, C] in [-1, 1].
      policy: names in `POLICIES`, in the order in which they are applied.
      probability: probability that an image is changed at all, 0 to 1.

    Raises:
      UserError: if a name in `policy` is unknown.
    """
    for name in policy:
        if name not in POLICIES:
            raise UserError(
                f"config.diff_augment.policy may list {', '.join(POLICIES)}, not {name!r}."
            )
    keys = jax.random.split(rng, len(images))
    return jax.vmap(lambda key, image: _change(key, image, policy, probability))(keys, images)


def _change(key: jax.Array, image: jax.Array, policy: tuple[str, ...], probability: float):
    coin_key, *keys = jax.random.split(key, 1 + len(policy))
    changed = image
    for name, own_key in zip(policy, keys, strict=True):
        changed = POLICIES[name](own_key, changed)
    return jnp.where(jax.random.bernoulli(coin_key, probability), changed, image)


def _colour(key: jax.Array, image: jax.Array) -> jax.Array:
    """Adds -0.5 to 0.5 to brightness; scales saturation by 0 to 2 and contrast by 0.5 to 1.5."""
    brightness, saturation, contrast = jax.random.uniform(key, (3,))
    image += brightness - 0.5
    grey = image.mean(-1, keepdims=True)
    image = grey + 2.0 * saturation * (image - grey)
    mean = image.mean()
    return mean + (0.5 + contrast) * (image - mean)


def _translation(key: jax.Array, image: jax.Array) -> jax.Array:
    """Shifts by up to an eighth of each side; zeros fill the uncovered border."""
    height, width = image.shape[:2]
    rows, columns = round(_SHIFT * height), round(_SHIFT * width)
    row_key, column_key = jax.random.split(key)
    row = jax.random.randint(row_key, (), 0, 2 * rows + 1)
    column = jax.random.randint(column_key, (), 0, 2 * columns + 1)
    padded = jnp.pad(image, ((rows, rows), (columns, columns), (0, 0)))
    return jax.lax.dynamic_slice(padded, (row, column, 0), image.shape)


def _cutout(key: jax.Array, image: jax.Array) -> jax.Array:
    """Sets a rectangle of half the height and width, with a random centre, to zero."""
    height, width = image.shape[:2]
    row, column = jax.random.uniform(key, (2,)) * jnp.array([height, width])
    rows = jnp.abs(jnp.arange(height) + 0.5 - row) < 0.5 * _HOLE * height
    columns = jnp.abs(jnp.arange(width) + 0.5 - column) < 0.5 * _HOLE * width
    return jnp.where((rows[:, None] & columns)[..., None], 0.0, image)


POLICIES = {"colour": _colour, "translation": _translation, "cutout": _cutout}
