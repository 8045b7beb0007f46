"""Random crops, scales, mirroring, turns and light of a batch, on the accelerator."""

from collections.abc import Callable, Collection
from functools import partial

import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError
from pix2pix_flax.image.colour import LUMA
from pix2pix_flax.typing import Batch

_RGB = 3

Cut = Callable[[jax.Array, bool], jax.Array]
"""From an image [H, W, C], and whether it is a label map, to a part of it."""


def _window(key: jax.Array, shape: tuple[int, int], size: tuple[int, int]) -> Cut:
    """Returns the cut of a random window, pixel for pixel."""
    row_key, column_key, _ = jax.random.split(key, 3)
    row = jax.random.randint(row_key, (), 0, shape[0] - size[0] + 1)
    column = jax.random.randint(column_key, (), 0, shape[1] - size[1] + 1)
    return lambda image, _: jax.lax.dynamic_slice(image, (row, column, 0), (*size, image.shape[-1]))


def _scaled_window(
    key: jax.Array, shape: tuple[int, int], size: tuple[int, int], scales: tuple[float, float]
) -> Cut:
    """Returns the cut of a random window, which is then scaled to `size` by a random factor."""
    scale_key, place_key = jax.random.split(key)
    least = max(scales[0], size[0] / shape[0], size[1] / shape[1])  # the window must fit
    limits = jnp.log(jnp.array([least, max(least, scales[1])]))
    scale = jnp.exp(jax.random.uniform(scale_key, (), minval=limits[0], maxval=limits[1]))
    room = jnp.maximum(jnp.array(shape) - jnp.array(size) / scale, 0.0)
    start = jax.random.uniform(place_key, (2,)) * room

    def cut(image, is_label):
        if is_label:
            centres = [start[axis] + (jnp.arange(size[axis]) + 0.5) / scale for axis in (0, 1)]
            rows, columns = (
                jnp.minimum(place.astype(int), side - 1)
                for place, side in zip(centres, shape, strict=True)
            )
            return image[rows][:, columns]
        scaled = jax.image.scale_and_translate(
            image.astype(jnp.float32),
            (*size, image.shape[-1]),
            (0, 1),
            jnp.stack([scale, scale]),
            -scale * start,
            method="linear",
        )
        return jnp.clip(jnp.round(scaled), 0, 255).astype(image.dtype)

    return cut


def _relight(key: jax.Array, image: jax.Array, strength: float) -> jax.Array:
    """Returns an image uint8 [H, W, 3 or more] in other light: brightness, contrast, saturation.

    Each of the three is multiplied by a factor of its own, uniform in 1 - strength to 1 + strength.
    Channels after RGB, such as the number of a style, stay unchanged.
    """
    brightness, contrast, saturation = jax.random.uniform(
        key, (3,), minval=1 - strength, maxval=1 + strength
    )
    rgb, others = image[..., :_RGB], image[..., _RGB:]
    changed = rgb.astype(jnp.float32) * brightness
    mean = (changed @ LUMA).mean()
    changed = mean + contrast * (changed - mean)
    grey = (changed @ LUMA)[..., None]
    changed = grey + saturation * (changed - grey)
    lit = jnp.clip(jnp.round(changed), 0, 255).astype(image.dtype)
    return jnp.concatenate([lit, others], axis=-1)


def _jitter(
    key: jax.Array,
    example: Batch,
    size: tuple[int, int],
    flip: bool,
    rotate: bool,
    scales: tuple[float, float],
    light: float,
    labels: Collection[str],
) -> Batch:
    """Crops, scales, mirrors, turns and relights all images [H, W, C] of one example alike."""
    shape = next(iter(example.values())).shape[:2]
    # The first two are `_window`'s. JAX gives the same first keys, however many there are.
    _, _, flip_key, turn_key, light_key = jax.random.split(key, 5)
    # A separate key, so that mirroring is the same as in a training without scales.
    scale_key = jax.random.fold_in(flip_key, 0)
    is_scaled = scales != (1.0, 1.0)
    cut = _scaled_window(scale_key, shape, size, scales) if is_scaled else _window(key, shape, size)
    mirrored = flip & jax.random.bernoulli(flip_key)

    def transform(name, image):
        crop = cut(image, name in labels)
        crop = jnp.where(mirrored, crop[:, ::-1], crop)
        if light and name not in labels:
            crop = _relight(light_key, crop, light)
        if not rotate:
            return crop
        quarters = jax.random.randint(turn_key, (), 0, 4)
        return jax.lax.switch(quarters, [partial(jnp.rot90, k=k) for k in range(4)], crop)

    return {name: transform(name, image) for name, image in example.items()}


def jitter(
    rng: jax.Array,
    batch: Batch,
    *,
    crop_size: int,
    flip: bool,
    rotate: bool = False,
    min_scale: float = 1.0,
    max_scale: float = 1.0,
    light: float = 0.0,
    labels: Collection[str] = (),
) -> Batch:
    """Returns a random crop of each example, mirrored half of the time (Isola et al., section 6.2).

    All images of an example get the same crop, scale, mirroring, turn and light; each example draws
    new ones.

    Args:
      rng: random key.
      batch: images [B, H, W, C] by name, of the same height and width; any dtype, but uint8 if they
        are scaled.
      crop_size: side of the square crops in pixels, at most H and W; 0 leaves images whole.
      flip: whether each example is mirrored left to right with probability 1/2.
      rotate: whether each example is also turned by a random multiple of 90 degrees; the crops, or
        the whole images, must then be square.
      min_scale: smallest factor by which a part of an image is scaled to the crop; images that are
        too small for it have a larger one.
      max_scale: largest factor; the logarithm of the factors is uniform.
      light: strength of random changes of brightness, contrast and saturation, from 0 (none) to 1;
        for uint8 images whose first channels are RGB. Label maps keep their colours.
      labels: names of the label maps, which take the nearest pixel.

    Returns:
      The images [B, crop_size, crop_size, C] or [B, H, W, C] under the same names.

    Raises:
      UserError: if the crop is larger than the images, `rotate` is set for images that are not
        square, or `min_scale` is larger than `max_scale`.
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
    if min_scale > max_scale:
        raise UserError(
            f"config.augment.min_scale is {min_scale}, more than max_scale, which is {max_scale}."
        )
    scales = (min_scale, max_scale)
    change = partial(
        _jitter, size=size, flip=flip, rotate=rotate, scales=scales, light=light, labels=labels
    )
    return jax.vmap(change)(jax.random.split(rng, shape[0]), batch)
