import functools

import jax
import numpy as np
import pytest

from cartoon_tfds.errors import UserError
from pix2pix_flax.image.augment import jitter


def numbered(count, height, width):
    """Images whose every pixel says where it lies: row, column, example; uint8."""
    images = np.zeros((count, height, width, 3), np.uint8)
    images[..., 0] = np.arange(height)[:, None]
    images[..., 1] = np.arange(width)
    images[..., 2] = np.arange(count)[:, None, None]
    return images


@functools.cache
def jitted(crop_size, flip):
    return jax.jit(functools.partial(jitter, crop_size=crop_size, flip=flip))


def crops(images, crop_size, *, flip, seed=0):
    batch = {"input": images, "target": images[..., ::-1]}
    output = jitted(crop_size, flip)(jax.random.key(seed), batch)
    return {name: np.asarray(values) for name, values in output.items()}


def read(crop):
    """Returns (top, left, mirrored) of a crop of a numbered image, all of whose pixels agree."""
    rows, columns = crop[..., 0], crop[..., 1]
    top, left, mirrored = rows.min(), columns.min(), bool(columns[0, 0] > columns[0, -1])
    expected = numbered(1, 256, 256)[0, top : top + len(crop), left : left + len(crop)]
    np.testing.assert_array_equal(crop[..., :2], expected[:, :: -1 if mirrored else 1, :2])
    return int(top), int(left), mirrored


def test_both_images_of_a_pair_are_cut_and_mirrored_alike():
    images = numbered(32, 24, 31)
    output = crops(images, 16, flip=True)
    assert output["input"].shape == output["target"].shape == (32, 16, 16, 3)
    assert output["input"].dtype == np.uint8
    np.testing.assert_array_equal(output["input"], output["target"][..., ::-1])


def test_crops_are_windows_anywhere_and_each_example_has_its_own():
    found = [read(crop) for crop in crops(numbered(200, 19, 20), 16, flip=True)["input"]]
    tops, lefts, mirrored = (set(values) for values in zip(*found, strict=True))
    assert tops == {0, 1, 2, 3}
    assert lefts == {0, 1, 2, 3, 4}
    assert mirrored == {False, True}
    assert len(set(found)) == 4 * 5 * 2  # row, column and mirroring are independent
    assert 60 < sum(flag for _, _, flag in found) < 140


def test_examples_stay_in_their_place():
    output = crops(numbered(9, 20, 20), 16, flip=True)["input"]
    np.testing.assert_array_equal(output[:, 0, 0, 2], np.arange(9))


def test_the_key_decides():
    images = numbered(16, 40, 40)
    first, again, other = (crops(images, 16, flip=True, seed=n)["input"] for n in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_no_mirroring_where_none_is_wanted():
    output = crops(numbered(64, 20, 20), 16, flip=False)["input"]
    assert not any(read(crop)[2] for crop in output)


def test_a_crop_of_the_whole_size_keeps_it():
    images = numbered(8, 16, 16)
    np.testing.assert_array_equal(crops(images, 16, flip=False)["input"], images)


@pytest.mark.parametrize("shape", [(32, 24), (24, 32)])
def test_a_crop_larger_than_the_images_is_named(shape):
    with pytest.raises(
        ValueError, match=f"config.sizes.crop is 25, but the images are {shape[0]}x{shape[1]}"
    ):
        crops(numbered(1, *shape), 25, flip=True)


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


def test_the_angle_does_not_depend_on_the_window():
    batch = {"input": numbered(512, 15, 15)}
    change = functools.partial(jitter, crop_size=12, flip=False)
    plain, turned = (
        jax.jit(functools.partial(change, rotate=rotate))(jax.random.key(0), batch)["input"]
        for rotate in (False, True)
    )
    table = np.zeros((4, 4), int)
    for crop, other in zip(np.asarray(plain), np.asarray(turned), strict=True):
        table[read(crop)[0], quarters(other, crop)] += 1
    assert 10 < table.min() <= table.max() < 60  # 32 expected


def test_both_images_of_a_pair_are_turned_alike():
    output = jittered(True)
    np.testing.assert_array_equal(output["input"], output["target"][..., ::-1])


def test_what_is_not_square_cannot_be_turned():
    wide = {"input": IMAGES[:, :, :10]}
    with pytest.raises(ValueError, match=r"config.augment.rotate needs square images, not 12x10"):
        jitter(jax.random.key(0), wide, crop_size=0, flip=True, rotate=True)


def ramp(height, width):
    """An image whose pixels say where they lie, and a label map of stripes at the same places."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([4 * rows, 4 * columns, 0 * rows], axis=-1)
    stripes = np.where(columns % 8 < 4, 200, 10)[..., None].repeat(3, axis=-1)
    return {"input": np.uint8([image] * 48), "target": np.uint8([stripes] * 48)}


def scaled(batch, **options):
    jittered = functools.partial(jitter, crop_size=16, flip=False, labels=("target",), **options)
    output = jax.jit(jittered)(jax.random.key(0), batch)
    return {name: np.asarray(images) for name, images in output.items()}


def slopes(images):
    """Returns how many pixels of the source lie between the first and the last row, divided."""
    rows = images[:, :, 0, 0].astype(float)
    return (rows[:, -2] - rows[:, 1]) / 4 / (images.shape[1] - 3)


def test_parts_are_scaled_by_factors_between_the_limits():
    output = scaled(ramp(40, 48), min_scale=0.5, max_scale=2.0)
    assert output["input"].shape == (48, 16, 16, 3)
    assert output["input"].dtype == np.uint8
    factors = 1 / slopes(output["input"])
    assert 0.48 < factors.min() < 0.65
    assert 1.5 < factors.max() < 2.2
    assert np.mean(factors < 1) == pytest.approx(0.5, abs=0.25)  # the logarithm is uniform


def test_labels_are_scaled_like_their_image_and_never_blended():
    output = scaled(ramp(40, 48), min_scale=0.5, max_scale=2.0)
    assert set(np.unique(output["target"])) == {10, 200}
    columns = output["input"][..., 1] / 4  # of the source, up to rounding
    inner = np.abs(columns % 4 - 2) < 1.2  # away from the edges of the stripes
    inner[:, :, [0, -1]] = False
    expected = np.where(columns % 8 < 4, 200, 10)
    assert inner.mean() > 0.3
    np.testing.assert_array_equal(output["target"][..., 0][inner], expected[inner])


def test_a_window_that_would_not_fit_is_scaled_more():
    factors = 1 / slopes(scaled(ramp(20, 48), min_scale=0.25, max_scale=0.5)["input"])
    np.testing.assert_allclose(factors, 16 / 20, atol=0.06)
    with pytest.raises(UserError, match=r"min_scale is 2, more than max_scale, which is 1"):
        scaled(ramp(20, 48), min_scale=2, max_scale=1)


def relit(values, **options):
    batch = {"input": np.full((64, 8, 8, 3), values, np.uint8), "target": IMAGES[:, :8, :8]}
    relight = functools.partial(jitter, crop_size=8, flip=False, labels=("target",), **options)
    output = jax.jit(relight)(jax.random.key(0), batch)
    np.testing.assert_array_equal(output["target"], batch["target"])  # labels
    return np.asarray(output["input"]).astype(float)


def test_light_changes_brightness_within_its_limits_and_no_label():
    grey = relit((100, 100, 100), light=0.4)
    assert np.ptp(grey, axis=(1, 2, 3)).max() == 0  # no contrast and no colour to change
    factors = grey[:, 0, 0, 0] / 100
    assert 0.6 <= factors.min() < 0.7
    assert 1.3 < factors.max() <= 1.4
    assert np.mean(factors < 1) == pytest.approx(0.5, abs=0.2)


def test_light_changes_saturation_and_keeps_the_hue():
    colour = relit((120, 80, 80), light=0.4)[:, 0, 0]
    np.testing.assert_allclose(colour[:, 1], colour[:, 2], atol=1)
    shares = (colour[:, 0] - colour[:, 1]) / colour.mean(1) / (40 / 93.3)
    assert 0.34 < shares.min() < 0.75  # contrast changes the distance from grey too
    assert 1.25 < shares.max() < 2


def test_light_and_scales_keep_the_number_of_a_style():
    numbers = np.arange(64, dtype=np.uint8)[:, None, None, None] % 6
    styled = np.concatenate([IMAGES, np.broadcast_to(numbers, (64, 12, 12, 1))], axis=-1)
    change = functools.partial(
        jitter, crop_size=8, flip=True, light=0.4, min_scale=0.8, max_scale=1.5
    )
    batch = {"input": styled, "target": IMAGES}
    output = jax.jit(change)(jax.random.key(0), batch)
    np.testing.assert_array_equal(output["input"][..., :3], output["target"])
    np.testing.assert_array_equal(output["input"][..., 3:], np.broadcast_to(numbers, (64, 8, 8, 1)))


def test_light_changes_contrast_and_both_images_alike():
    stripes = np.zeros((64, 8, 8, 3), np.uint8)
    stripes[:, :, ::2], stripes[:, :, 1::2] = 80, 120
    relight = functools.partial(jitter, crop_size=8, flip=False, light=0.4)
    output = jax.jit(relight)(jax.random.key(0), {"input": stripes, "target": stripes})
    np.testing.assert_array_equal(output["input"], output["target"])
    images = np.asarray(output["input"]).astype(float)
    shares = np.ptp(images, axis=(1, 2, 3)) / images.mean((1, 2, 3)) / 0.4
    assert shares.min() < 0.75
    assert shares.max() > 1.25
