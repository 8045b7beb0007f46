"""Pairs lie on one grid, come in order, and do not depend on the number of cores."""

import cv2
import numpy as np
import pytest

from cartoon_tfds import pairs
from cartoon_tfds.images import ImageError, encode_png, read_image
from cartoon_tfds.sources import Photo, iter_packaged
from cartoon_tfds.styles import cartoonize
from cartoon_tfds.views import cut_view, draw_views


@pytest.fixture(scope="module")
def photos():
    """Two packaged photographs."""
    return [photo for photo in iter_packaged() if photo.photo_id in ("chelsea", "coffee")]


def _pairs(photos, **options):
    options = {
        "views_per_photo": 3,
        "view_size": 64,
        "style": "ink",
        "line_width": 1.0,
        "workers": 1,
        **options,
    }
    return pairs.iter_pairs(photos, **options)


def test_pairs_are_views_with_their_cartoons_in_order(photos):
    result = list(_pairs(photos))
    assert [(pair.photo.photo_id, pair.view_index) for pair in result] == [
        (name, index) for name in ("chelsea", "coffee") for index in range(3)
    ]
    for pair in result:
        pixels = read_image(pair.photo.data)
        views = draw_views(pair.photo.sha256, *pixels.shape[:2], num_views=3, view_size=64)
        view = cut_view(pixels, views[pair.view_index])
        np.testing.assert_array_equal(read_image(pair.photo_png), view)
        cartoon = read_image(pair.cartoon_png)
        np.testing.assert_array_equal(cartoon, cartoonize(view, "ink", line_width=1.0))
        assert cartoon.shape == view.shape
        assert min(view.shape[:2]) == 64
        assert (cartoon != view).any()


def test_any_number_of_workers_gives_the_same_pairs(photos):
    one = list(_pairs(photos, views_per_photo=6, view_size=96))
    assert list(_pairs(photos, views_per_photo=6, view_size=96, workers=5)) == one


def test_opencv_threads_are_restored(photos):
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    running = _pairs(photos)
    next(running)
    assert cv2.getNumThreads() == 1
    running.close()
    assert cv2.getNumThreads() == 2
    cv2.setNumThreads(before)


def test_unreadable_photograph_is_named(photos):
    broken = Photo("broken/one.jpg", photos[0].data[:9000], "test", "none")
    with pytest.raises(ImageError, match=r"broken/one\.jpg: damaged"):
        list(_pairs([photos[1], broken]))


def test_photographs_are_taken_as_they_are_needed(monkeypatch):
    monkeypatch.setattr(pairs, "cartoonize", lambda view, *_, **__: view)
    taken = []

    def endless():
        while True:
            taken.append(1)
            pixels = np.full((64, 64, 3), len(taken) % 256, np.uint8)
            yield Photo(str(len(taken)), encode_png(pixels), "test", "none")

    running = _pairs(endless(), views_per_photo=1, workers=2)
    for _ in range(20):
        next(running)
    assert len(taken) < 40
    running.close()
