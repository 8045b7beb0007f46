"""Random crops, mirroring and turns of a batch, on the accelerator."""

from functools import partial

import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError
from pix2pix_flax.typing import Batch


def _jitter(
    key: jax.Array, example: Batch, size: tuple[int, int], flip: bool, rotate: bool
) -> Batch:
    """Crops, mirrors and turns all images [H, W, C] of one example in the same way."""
    row_key, column_key, flip_key = jax.random.split(key, 3)
    height, width = next(iter(example.values())).shape[:2]
    row = jax.random.randint(row_key, (), 0, height - size[0] + 1)
    column = jax.random.randint(column_key, (), 0, width - size[1] + 1)
    mirrored = flip & jax.random.bernoulli(flip_key)

    def transform(image):
        crop = jax.lax.dynamic_slice(image, (row, column, 0), (*size, image.shape[-1]))
        crop = jnp.where(mirrored, crop[:, ::-1], crop)
        if not rotate:
            return crop
        # A separate key, so that crops and mirroring are the same as in a training without turns.
        quarters = jax.random.randint(jax.random.fold_in(key, 0), (), 0, 4)
        return jax.lax.switch(quarters, [partial(jnp.rot90, k=k) for k in range(4)], crop)

    return jax.tree.map(transform, example)


def jitter(
    rng: jax.Array, batch: Batch, *, crop_size: int, flip: bool, rotate: bool = False
) -> Batch:
    """Returns a random crop of each example, mirrored half of the time (Isola et al., section 6.2).

    All images of an example get the same crop, mirroring and turn; each example draws new ones.

    Args:
      rng: random key.
      batch: images [B, H, W, C] by name, of the same height and width, any dtype.
      crop_size: side of the square crops in pixels, at most H and W; 0 leaves images whole.
      flip: whether each example is mirrored left to right with probability 1/2.
      rotate: whether each example is also turned by a random multiple of 90 degrees; the crops, or
        the whole images, must then be square.

    Returns:
      The images [B, crop_size, crop_size, C] or [B, H, W, C] under the same names.

    Raises:
      UserError: if the crop is larger than the images, or `rotate` is set for images that are not
        square.
    """
    shape = next(iter(batch.values())).shape
    if crop_size > min(shape[1:3]):
        raise UserError(
            f"config.sizes.crop is {crop_size}, but the images are {shape[1]}x{shape[2]}: "
            f"set it to {min(shape[1:3])} or less."
        )
    size = (crop_size, crop_size) if crop_size else shape[1:3]
    if rotate and size[0] != size[1]:
        raise UserError(
            f"config.augment.rotate needs square images, not {size[0]}x{size[1]}: set "
            "config.sizes.crop to cut squares."
        )
    keys = jax.random.split(rng, shape[0])
    return jax.vmap(lambda key, example: _jitter(key, example, size, flip, rotate))(keys, batch)
