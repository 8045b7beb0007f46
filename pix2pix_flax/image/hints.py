"""Colour hints as a user gives them, drawn at random (Zhang et al. 2017, arXiv:1705.02999).

A hint is a small square of one colour. Hints are float32 [..., 3]: a and b, which are 0 where there
is no hint, and a mask of zeros and ones.
"""

import jax
import jax.numpy as jnp

_SUCCESS = 1 / 8  # of the geometric distribution (section 3.2): seven points on average
_SHARE_OF_ALL = 0.01  # of images whose whole picture is revealed (section 3.2)


def draw_hints(rng: jax.Array, ab: jax.Array, *, max_points: int, max_patch: int) -> jax.Array:
    """Returns hints for training, float32 [B, H, W, 3] (section 3.2).

    The number of points is geometric, so an eighth of the images has none. One image of a hundred
    shows all its colours.

    Args:
      rng: random key; each image draws from a key of its own.
      ab: the true a and b, [B, H, W, 2].
      max_points: largest number of points in an image.
      max_patch: largest side of a square in pixels; the sides are uniform from 1.
    """

    def draw(key, image):
        count_key, all_key, key = jax.random.split(key, 3)
        count = jax.random.geometric(count_key, _SUCCESS) - 1
        some = _points(key, image, count, max_points, max_patch)
        every = jnp.concatenate([image, jnp.ones_like(image[..., :1])], axis=-1)
        return jnp.where(jax.random.bernoulli(all_key, _SHARE_OF_ALL), every, some)

    return jax.vmap(draw)(jax.random.split(rng, len(ab)), ab)


def exact_hints(
    keys: jax.Array, ab: jax.Array, points: jax.Array | int, *, max_points: int, patch: int
) -> jax.Array:
    """Returns hints for evaluation, float32 [B, H, W, 3]: a number of squares of one size.

    Args:
      keys: random keys [B]. More points keep the places of fewer points.
      ab: the true a and b, [B, H, W, 2].
      points: number of points in each image, a scalar; it may be traced.
      max_points: largest value of `points`.
      patch: side of each square in pixels.
    """

    def draw(key, image):
        return _points(key, image, points, max_points, patch, min_patch=patch)

    return jax.vmap(draw)(keys, ab)


def _points(
    key: jax.Array,
    ab: jax.Array,
    count: jax.Array | int,
    max_points: int,
    max_patch: int,
    min_patch: int = 1,
) -> jax.Array:
    """Returns the first `count` of `max_points` hints, [H, W, 3].

    The paper draws the places around the middle of a photograph; panels of comics are cut at
    random, so here they are uniform. Where squares overlap, the colour is their mean.
    """

    def square(number):
        row_key, column_key, size_key = jax.random.split(jax.random.fold_in(key, number), 3)
        size = jax.random.randint(size_key, (), min_patch, max_patch + 1)
        keys, sides = (row_key, column_key), ab.shape[:2]
        starts = [
            jax.random.randint(own_key, (), 0, side) - size // 2
            for own_key, side in zip(keys, sides, strict=True)
        ]
        return [
            (jnp.arange(side) >= start) & (jnp.arange(side) < start + size)
            for start, side in zip(starts, sides, strict=True)
        ]

    numbers = jnp.arange(max_points)
    rows, columns = jax.vmap(square)(numbers)
    rows = jnp.where((numbers < count)[:, None], rows, False).astype(jnp.float32)
    columns = columns.astype(jnp.float32)
    # A square is a row mask times a column mask, so all squares are a few matrix products.
    area = jnp.maximum(rows.sum(1) * columns.sum(1), 1.0)
    colours = jnp.einsum("ph,hwc,pw->pc", rows, ab, columns) / area[:, None]
    covered = jnp.einsum("ph,pw->hw", rows, columns)[..., None]
    summed = jnp.einsum("ph,pw,pc->hwc", rows, columns, colours)
    return jnp.concatenate([summed / jnp.maximum(covered, 1.0), jnp.minimum(covered, 1.0)], axis=-1)


def shrink_hints(hints: jax.Array, height: int, width: int) -> jax.Array:
    """Returns hints [B, H, W, 3] in a smaller size, [B, height, width, 3].

    A small pixel has the mean colour of the hints in it, and is a hint if it has any: a single
    pixel of a large page is not lost.
    """
    shape = (len(hints), height, width, hints.shape[-1])
    summed = jax.image.resize(hints, shape, "linear")
    share = summed[..., 2:]
    mask = share > 0
    ab = jnp.where(mask, summed[..., :2] / jnp.where(mask, share, 1.0), 0.0)
    return jnp.concatenate([ab, mask.astype(jnp.float32)], axis=-1)
