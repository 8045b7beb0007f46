"""Views of a photograph: the whole of it, and squares at several scales."""

import dataclasses

import cv2
import numpy as np


@dataclasses.dataclass(frozen=True)
class View:
    """A rectangle of an upright photograph, in its pixels, and the size it is resized to."""

    left: int
    top: int
    width: int
    height: int
    out_width: int
    out_height: int


def draw_views(
    photo_hash: str, height: int, width: int, *, num_views: int, view_size: int
) -> list[View]:
    """Returns the views of a photograph, a function of its content and of the arguments alone.

    The first view is the whole photograph, its short side resized to `view_size`, its shape kept.
    The others are squares of every scale between the whole short side and no enlargement, drawn
    log-uniformly, anywhere in the photograph, resized to `view_size` squared. Views are drawn one
    after the other: more of them keep the ones before.

    Args:
      photo_hash: `content_hash` of the photograph's file; the seed.
      height: of the decoded, upright photograph, in pixels.
      width: likewise.
      num_views: how many views to draw.
      view_size: the short side of every view, in pixels.
    """
    rng = np.random.default_rng(int(photo_hash, 16))
    short = min(height, width)
    # Small photographs are enlarged rather than seen at a single scale.
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
    """Returns a view of a photograph, uint8 `[out_height, out_width, 3]`.

    Args:
      photo: uint8 `[H, W, 3]`, upright.
      view: what to cut out, and the size to resize it to.
    """
    cut = photo[view.top : view.top + view.height, view.left : view.left + view.width]
    # Averages over areas do not alias when they reduce; when they enlarge they make blocks.
    method = cv2.INTER_AREA if view.width >= view.out_width else cv2.INTER_CUBIC
    return cv2.resize(cut, (view.out_width, view.out_height), interpolation=method)
