"""PNG files that every decoder reads, with exactly the pixels that went in."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.images import encode_png, read_image
from cartoon_tfds.images.png import encode_fast_png
from cartoon_tfds.sources.packaged import iter_packaged


def _assert_read_by_all(image):
    data = encode_fast_png(image)
    np.testing.assert_array_equal(read_image(data, min_side=1), image)
    with Image.open(io.BytesIO(data)) as picture:
        picture.verify()
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decoded[..., ::-1], image)


@pytest.mark.parametrize("photo", list(iter_packaged()), ids=lambda photo: photo.photo_id)
def test_photographs(photo):
    image = read_image(photo.data)
    _assert_read_by_all(image)
    assert len(encode_fast_png(image)) < 1.25 * len(encode_png(image))


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3), (257, 255)])
def test_any_size_and_value(shape):
    rng = np.random.default_rng(0)
    _assert_read_by_all(rng.integers(256, size=(*shape, 3), dtype=np.uint8))


def test_views_of_larger_arrays():
    image = np.arange(40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3)
    _assert_read_by_all(image[5:30:2, ::-1])


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_anything_else_is_refused(image):
    with pytest.raises(ValueError, match=r"expected uint8 \[H, W, 3\]"):
        encode_fast_png(image)
