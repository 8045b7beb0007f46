"""MATLAB's imresize, against its definition written down once more and against Pillow's."""

import math

import jax
import numpy as np
import PIL.Image
import pytest
import skimage.data

from pix2pix_flax.image.resampling import imresize, resampling_matrix

PHOTO = skimage.data.coffee()[100:161, 200:277].astype(np.float32)


def kernel(x):
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def slow_axis(values, resized):
    """Returns a resized list, pixel by pixel, all positions counted from the left edge."""
    length = len(values)
    width = max(1.0, length / resized)  # of the kernel's unit, in pixels of the input
    result = []
    for index in range(resized):
        middle = (index + 0.5) * length / resized
        total = weight = 0.0
        for place in range(math.floor(middle - 2 * width) - 1, math.ceil(middle + 2 * width) + 1):
            k = kernel((place + 0.5 - middle) / width)
            inside = place
            while not 0 <= inside < length:  # the mirror stands on the edge of the last pixel
                inside = -1 - inside if inside < 0 else 2 * length - 1 - inside
            total, weight = total + k * values[inside], weight + k
        result.append(total / weight)
    return result


def slow(image, height, width):
    columns = [
        [slow_axis(column, height) for column in plane.T] for plane in np.moveaxis(image, 2, 0)
    ]
    rows = [[slow_axis(row, width) for row in np.array(plane).T] for plane in columns]
    return np.moveaxis(np.array(rows), 0, 2)


@pytest.mark.parametrize("size", [(15, 19), (31, 12), (61, 77), (122, 90), (9, 308), (3, 1)])
def test_it_is_the_definition(size):
    found = jax.jit(imresize, static_argnums=(1, 2))(PHOTO[np.newaxis], *size)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], slow(PHOTO.astype(np.float64), *size), atol=2e-3)


@pytest.mark.parametrize("scale", [2, 4, 8, 1 / 4])
def test_eight_bits_are_rounded_after_each_axis(scale):
    """Halves upwards: exactly, since weights and sums are exact."""
    photo = np.uint8(PHOTO[:48, :64])
    height, width = (round(side / scale) for side in photo.shape[:2])
    floats = photo.astype(np.float64)
    for size in ((height, 64), (height, width)):
        floats = np.floor(np.clip(slow(floats, *size), 0, 255) + 0.5)
    found = jax.jit(imresize, static_argnums=(1, 2))(photo[np.newaxis], height, width)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[0], floats)


@pytest.mark.parametrize(("factor", "border"), [(4, 2), (2, 2), (8, 2), (1 / 4, 12)])
def test_it_is_pillows_bicubic_but_for_the_border(factor, border):
    """Pillow antialiases with the same kernel; it leaves out what lies beyond the border."""
    plane = np.tile(PHOTO[:56, :72, 1], (2, 2))
    size = [round(side / factor) for side in plane.shape]
    pillow = PIL.Image.fromarray(plane).resize(size[::-1], PIL.Image.Resampling.BICUBIC)
    found = imresize(plane[np.newaxis, ..., np.newaxis], *size)[0, ..., 0]
    inner = slice(border, -border), slice(border, -border)
    np.testing.assert_allclose(found[inner], np.asarray(pillow)[inner], atol=1e-3)


@pytest.mark.parametrize(("length", "resized"), [(96, 24), (25, 7), (1, 5), (5, 1), (24, 96)])
def test_weights_add_up_and_are_symmetric(length, resized):
    matrix = resampling_matrix(length, resized)
    assert (matrix.shape, matrix.dtype) == ((resized, length), np.float32)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(matrix[::-1, ::-1], matrix, atol=1e-6)


def test_the_same_size_is_the_same_picture():
    np.testing.assert_allclose(imresize(PHOTO[np.newaxis], 61, 77)[0], PHOTO, atol=1e-4)
