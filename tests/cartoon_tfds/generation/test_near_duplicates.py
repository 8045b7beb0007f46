"""Copies are found although no byte is the same; different photographs are not taken for copies."""

import cv2
import numpy as np
import pytest

from cartoon_tfds.generation import near_duplicates
from cartoon_tfds.generation.near_duplicates import MAX_DISTANCE, nearest, perceptual_hash
from cartoon_tfds.images import read_image
from cartoon_tfds.sources.packaged import iter_packaged


@pytest.fixture(scope="module")
def photographs():
    """All packaged photographs, decoded, by name."""
    return {photo.photo_id: read_image(photo.data, photo.photo_id) for photo in iter_packaged()}


def _resized(factor, method):
    return lambda image: cv2.resize(image, None, fx=factor, fy=factor, interpolation=method)


def _stretched(image):
    return cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA)


def _recompressed(quality):
    def change(image):
        data = cv2.imencode(".jpg", image[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
        return read_image(data.tobytes())

    return change


def _brighter(image):
    return cv2.convertScaleAbs(image, alpha=1.05, beta=8)


def _grey(image):
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _cropped(image):
    height, width = image.shape[:2]
    return image[height // 200 : -(height // 200), width // 200 : -(width // 200)]


CHANGES = {
    "half": _resized(0.5, cv2.INTER_AREA),
    "quarter, no filter": _resized(0.25, cv2.INTER_LINEAR),
    "enlarged": _resized(1.7, cv2.INTER_CUBIC),
    "stretched": _stretched,
    "JPEG 90": _recompressed(90),
    "JPEG 20": _recompressed(20),
    "brighter": _brighter,
    "grey": _grey,
    "cropped by 1 %": _cropped,
    "all at once": lambda image: _recompressed(50)(_brighter(_cropped(_stretched(image)))),
}


def _bits(first, second):
    return int(np.unpackbits(first ^ second).sum())


def test_hash_is_256_bits_that_do_not_depend_on_memory_layout(photographs):
    image = photographs["coffee"]
    result = perceptual_hash(image)
    assert result.dtype == np.uint8
    assert result.shape == (32,)
    np.testing.assert_array_equal(perceptual_hash(np.asfortranarray(image)), result)
    np.testing.assert_array_equal(perceptual_hash(image[:, ::-1][:, ::-1]), result)
    assert 100 < np.unpackbits(result).sum() < 156  # else most of them would say nothing


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found(photographs, change):
    for name, image in photographs.items():
        copy = CHANGES[change](image)
        assert copy.shape != image.shape or (copy != image).any()
        assert _bits(perceptual_hash(image), perceptual_hash(copy)) <= MAX_DISTANCE, name


def test_mean_brightness_says_nothing(photographs):
    for image in photographs.values():
        dark, light = image // 4, image // 4 + 180
        assert _bits(perceptual_hash(dark), perceptual_hash(light)) <= 2


def test_different_photographs_are_far_apart(photographs):
    hashes = [perceptual_hash(image) for image in photographs.values()]
    distances = [_bits(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert len(distances) == 28
    assert min(distances) > 2 * MAX_DISTANCE


def test_parts_of_a_photograph_and_its_mirror_image_are_not_copies(photographs):
    image = photographs["coffee"]
    for other in (image[:200], image[:, 300:], image[100:300, 100:300], image[:, ::-1]):
        assert _bits(perceptual_hash(image), perceptual_hash(other)) > MAX_DISTANCE


def _brute_force(hashes, others):
    differ = np.unpackbits(hashes[:, None] ^ others[None], axis=-1).sum(-1, dtype=np.int64)
    return differ.argmin(1), differ.min(1)


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 100])
def test_nearest_is_what_counting_every_bit_gives(monkeypatch, rows):
    monkeypatch.setattr(near_duplicates, "_ROWS", 16)
    rng = np.random.default_rng(rows)
    hashes = rng.integers(0, 256, (rows, 32), dtype=np.uint8)
    others = rng.integers(0, 256, (77, 32), dtype=np.uint8)
    others[40] = hashes[-1]  # a copy
    others[5] = ~hashes[0]  # nothing in common
    indices, distances = nearest(hashes, others)
    expected_indices, expected_distances = _brute_force(hashes, others)
    assert indices.dtype == distances.dtype == np.int64
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_array_equal(distances, expected_distances)
    assert (indices[-1], distances[-1]) == (40, 0)


def test_nearest_of_more_hashes_than_are_compared_at_a_time():
    count = 2 * near_duplicates._ROWS + 300
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 256, (count, 32), dtype=np.uint8)
    order = rng.permutation(count)
    indices, distances = nearest(hashes, hashes[order])
    np.testing.assert_array_equal(order[indices], np.arange(count))
    assert not distances.any()


def test_nearest_at_the_ends_of_the_range():
    none, every = np.zeros((1, 32), np.uint8), np.full((1, 32), 255, np.uint8)
    assert [int(x[0]) for x in nearest(none, every)] == [0, 256]
    assert [int(x[0]) for x in nearest(every, np.concatenate([none, every]))] == [1, 0]


def test_nearest_of_nothing():
    for result in nearest(np.zeros((0, 32), np.uint8), np.zeros((3, 32), np.uint8)):
        assert result.shape == (0,)
        assert result.dtype == np.int64
