"""Views are a function of the photograph's content, inside it, and of the promised size."""

import cv2
import numpy as np
import pytest

from cartoon_tfds.recipes.views import View, cut_view, draw_views
from cartoon_tfds.sources.splits import content_hash

HASH = content_hash(b"a photograph")


def _draw(photo_hash=HASH, height=427, width=640, num_views=64):
    return draw_views(photo_hash, height, width, num_views=num_views, view_size=256)


def test_same_content_same_views():
    assert _draw() == _draw()
    assert _draw() != _draw(content_hash(b"another photograph"))


def test_more_views_keep_the_ones_before():
    assert _draw(num_views=64)[:5] == _draw(num_views=5)


def test_known_views():
    """Fails when the drawing changes, which would change the dataset: raise its version then."""
    assert _draw(num_views=3) == [
        View(0, 0, 640, 427, 384, 256),
        View(305, 81, 257, 257, 256, 256),
        View(79, 78, 319, 319, 256, 256),
    ]


@pytest.mark.parametrize(("height", "width"), [(427, 640), (640, 427), (300, 451), (96, 96)])
def test_views_lie_inside_and_are_squares(height, width):
    whole, *squares = _draw(height=height, width=width)
    assert (whole.left, whole.top, whole.width, whole.height) == (0, 0, width, height)
    assert min(whole.out_width, whole.out_height) == 256
    assert whole.out_width / whole.out_height == pytest.approx(width / height, rel=0.01)
    for view in squares:
        assert view.width == view.height
        assert (view.out_width, view.out_height) == (256, 256)
        assert 0 <= view.left <= width - view.width
        assert 0 <= view.top <= height - view.height


def test_scales_and_places_are_spread():
    squares = _draw(num_views=200)[1:]
    sides = [view.width for view in squares]
    assert min(sides) < 270  # nothing of this photograph is enlarged, so 256 is the least
    assert min(sides) >= 256
    assert max(sides) > 415
    assert min(view.left for view in squares) < 20
    assert max(view.left + view.width for view in squares) > 620


def test_small_photographs_are_seen_at_several_scales():
    sides = {view.width for view in _draw(height=240, width=320)[1:]}
    assert min(sides) < 190
    assert max(sides) > 230


def test_cut_view_reduces_by_area():
    photo = np.random.default_rng(0).integers(0, 256, (512, 600, 3), dtype=np.uint8)
    result = cut_view(photo, View(40, 0, 512, 512, 256, 256))
    blocks = photo[:, 40:552].reshape(256, 2, 256, 2, 3).astype(float).mean((1, 3))
    assert np.abs(result - blocks).max() <= 0.51


def test_cut_view_is_exact_without_resizing():
    photo = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    result = cut_view(photo, View(3, 5, 32, 32, 32, 32))
    np.testing.assert_array_equal(result, photo[5:37, 3:35])


def test_cut_view_enlarges_smoothly():
    photo = np.zeros((32, 32, 3), np.uint8)
    photo[:, 16:] = 200
    result = cut_view(photo, View(0, 0, 32, 32, 128, 128))
    expected = cv2.resize(photo, (128, 128), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(result, expected)
    assert len(np.unique(result)) > 4
