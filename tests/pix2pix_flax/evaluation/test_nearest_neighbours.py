"""Which training pictures are nearest to generated ones."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from pix2pix_flax.data.pipeline import eval_batches
from pix2pix_flax.data.source import DatasetError
from pix2pix_flax.evaluation.nearest_neighbours import draw_neighbours, find_neighbours, nearest
from pix2pix_flax.evaluation.real_sets import SplitFeatures
from pix2pix_flax.metrics.feature_sets import SetsError


def test_neighbours_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    queries, known = (rng.random((count, 16)).astype(np.float32) for count in (7, 40))
    places = rng.permutation(100)[:40]
    distances, found = nearest(queries, SplitFeatures(places, known), 5)
    reference = NearestNeighbors(n_neighbors=5, metric="cosine").fit(known)
    expected, indices = reference.kneighbors(queries)
    np.testing.assert_allclose(distances, expected, atol=1e-6)
    np.testing.assert_array_equal(found, places[indices])


@pytest.fixture
def training_pictures(smoke_config):
    batches = eval_batches(smoke_config("anime"), split="train", batch_size=4)
    return np.concatenate([batch.images["target"] for batch in batches])


def test_a_copy_is_its_own_nearest_neighbour(smoke_config, training_pictures, vgg16):
    config = smoke_config("anime")
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    images = np.stack([training_pictures[13], noise])
    found = find_neighbours(images, config, vgg16)
    assert found.places.shape == found.distances.shape == (2, 5)
    assert found.places[0, 0] == 13
    np.testing.assert_allclose(found.distances[0, 0], 0.0, atol=1e-6)
    assert found.distances[1, 0] > 0.01
    assert (np.diff(found.distances, axis=1) >= 0).all()
    assert found.unseen.shape == (4,)
    assert found.unseen.min() > 1e-3

    picture = draw_neighbours(images, found, config)
    assert picture.shape == (2 * 68, 64 + 12 + 5 * 66 - 2, 3)
    for row, image in enumerate(images):
        neighbours = training_pictures[found.places[row]]
        lefts = (0, *range(76, 76 + 5 * 66, 66))
        for left, expected in zip(lefts, [image, *neighbours], strict=True):
            shown = picture[68 * row : 68 * row + 64 : 2, left : left + 64 : 2]
            np.testing.assert_array_equal(shown, expected)
    assert (picture[:, 64:76] == 255).all()


def test_what_does_not_compare_is_told(smoke_config, vgg16):
    config = smoke_config("anime", sizes__evaluation=24)
    images = np.zeros((1, 32, 32, 3), np.uint8)
    with pytest.raises(SetsError, match="32x32 do not compare with the images of 24x24"):
        find_neighbours(images, config, vgg16)
    with config.unlocked():
        config.data.validation_split = "test+train[5:6]"
    with pytest.raises(DatasetError, match=r"Splits 'train' and 'test\+train\[5:6\]' of .* share"):
        find_neighbours(images, config, vgg16)
