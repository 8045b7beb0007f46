"""Views of a photograph: the whole photograph, and squares at several scales."""

import dataclasses

import numpy as np

from cartoon_tfds.images import resize


@dataclasses.dataclass(frozen=True)
class View:
    """A rectangle of an upright photograph, in pixels, and the size that it is resized to."""

    left: int
    top: int
    width: int
    height: int
    out_width: int
    out_height: int


def draw_views(
    photo_hash: str, height: int, width: int, *, num_views: int, view_size: int
) -> list[View]:
    """Draws the views of a photograph; equal arguments give equal views.

    The first view is the whole photograph, resized to the short side `view_size`. The others are
    squares anywhere in the photograph, resized to `view_size` squared. Their sides are drawn
    log-uniformly, from the short side of the photograph down to `view_size`, or to 0.75 of the
    short side if that is smaller. The views are drawn one after the other, so a larger `num_views`
    keeps the earlier views.

    Args:
      photo_hash: `content_hash` of the photograph's file; it is the random seed.
      height: height of the decoded, upright photograph, in pixels.
      width: width of the decoded, upright photograph, in pixels.
      num_views: number of views to draw.
      view_size: the short side of every view, in pixels.
    """
    rng = np.random.default_rng(int(photo_hash, 16))
    short = min(height, width)
    # Squares of small photographs are enlarged, else they would all have one scale.
    smallest = min(view_size, round(0.75 * short))
    scale = view_size / short
    views = [View(0, 0, width, height, round(width * scale), round(height * scale))]
    while len(views) < num_views:
        side = round(np.exp(rng.uniform(np.log(smallest), np.log(short))))
        left = int(rng.integers(width - side, endpoint=True))
        top = int(rng.integers(height - side, endpoint=True))
        views.append(View(left, top, side, side, view_size, view_size))
    return views


def cut_view(photo: np.ndarray, view: View) -> np.ndarray:
    """Cuts out and resizes a view of a photograph, uint8 `[out_height, out_width, 3]`.

    Args:
      photo: uint8 `[H, W, 3]`, upright.
      view: the rectangle to cut out, and the size to resize it to.
    """
    cut = photo[view.top : view.top + view.height, view.left : view.left + view.width]
    return resize(cut, view.out_height, view.out_width)
