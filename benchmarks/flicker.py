"""Prints how steady networks are on video, beside their teacher and the clips themselves.

    python -m benchmarks.flicker --videos=DIR --checkpoint=runs/cartoon --checkpoint=runs/steady
    python -m benchmarks.flicker --videos=DIR --checkpoint=runs/cartoon --temporal

The warp error of consecutive frames along the optical flow of the clip, over that of the clip:
under 1 is steadier than the source (`benchmarks.style_metrics`). Clips are scaled to a width of
480 pixels; the teacher draws with the line width of the training pairs. With `--temporal` each has
a second column: the same frames, blended along the motion.
"""

import pathlib

import numpy as np
from absl import app, flags

from benchmarks.styles import VIDEOS, Draw, flickers
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.styles import cartoonize
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.video.temporal import TemporalBlend

_CHECKPOINTS = flags.DEFINE_multi_string("checkpoint", [], "A work directory; may be repeated.")
_TEMPORAL = flags.DEFINE_bool("temporal", False, "Measure each with the temporal mode as well.")


def draws() -> dict[str, Draw]:
    """Returns what is measured, by name: the teacher, then every network."""
    teacher = Cartoons()
    found = {
        "teacher": lambda frame: cartoonize(frame, teacher.style, line_width=teacher.line_width)
    }
    for path in _CHECKPOINTS.value:
        predict = load_predictor(path)
        found[path] = lambda frame, predict=predict: predict(frame[None])[0]
    return found


def with_temporal(draws: dict[str, Draw]) -> dict[str, Draw]:
    """Returns what is measured on one clip: each as it is, and blended along the motion."""
    found = {}
    for name, draw in draws.items():
        found[name] = _once(draw)
        found[f"{name}, temporal"] = _blended(found[name])
    return found


def main(argv: list[str]) -> None:
    """Prints a Markdown table: a row for each clip."""
    if len(argv) > 1 or not VIDEOS.value:
        raise app.UsageError("--videos=DIR is needed, and nothing but flags")
    measured = draws()
    columns = list(with_temporal(measured) if _TEMPORAL.value else measured)
    print("| clip | source | " + " | ".join(columns) + " |")
    print("|---" * (2 + len(columns)) + "|")
    for clip in sorted(pathlib.Path(VIDEOS.value).glob("*.mp4")):
        # A blend remembers its clip, so each clip has its own.
        ratios = flickers(with_temporal(measured) if _TEMPORAL.value else measured, clip)
        cells = " | ".join(f"{ratios[name]:.2f}" for name in columns)
        print(f"| {clip.stem} | 1 | {cells} |")


def _once(draw: Draw) -> Draw:
    """Returns a function that does not draw the same frame again when it is asked twice."""
    frame, drawn = None, None

    def draw_once(asked: np.ndarray) -> np.ndarray:
        nonlocal frame, drawn
        if asked is not frame:
            frame, drawn = asked, draw(asked)
        return drawn

    return draw_once


def _blended(draw: Draw) -> Draw:
    """Returns what draws the frames of one clip, in order, and blends them."""
    blend = TemporalBlend()
    return lambda frame: blend(frame[None], draw(frame)[None])[0]


if __name__ == "__main__":
    app.run(main)
