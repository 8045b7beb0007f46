"""Crops that are turned by multiples of 90 degrees."""

import functools

import jax
import numpy as np
import pytest

from pix2pix_flax.image.augment import jitter

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 12, 12, 3), np.uint8)
BATCH = {"input": IMAGES, "target": IMAGES[..., ::-1]}


@functools.cache
def jittered(rotate, flip=True, crop_size=8):
    options = {"crop_size": crop_size, "flip": flip, "rotate": rotate}
    output = jax.jit(functools.partial(jitter, **options))(jax.random.key(0), BATCH)
    return {name: np.asarray(images) for name, images in output.items()}


def quarters(turned, crop):
    """Returns by how many quarters of a circle a crop was turned."""
    (found,) = [k for k in range(4) if np.array_equal(turned, np.rot90(crop, k))]
    return found


def test_crops_are_those_of_no_turning_but_turned_by_every_angle():
    turned, crops = jittered(True)["input"], jittered(False)["input"]
    found = [quarters(*pair) for pair in zip(turned, crops, strict=True)]
    assert all(7 <= found.count(k) <= 25 for k in range(4))  # 16 expected


def test_both_images_of_a_pair_are_turned_alike():
    output = jittered(True)
    np.testing.assert_array_equal(output["input"], output["target"][..., ::-1])


def test_what_is_not_square_cannot_be_turned():
    wide = {"input": IMAGES[:, :, :10]}
    with pytest.raises(ValueError, match=r"config.augment.rotate is for squares, not 12x10"):
        jitter(jax.random.key(0), wide, crop_size=0, flip=True, rotate=True)
