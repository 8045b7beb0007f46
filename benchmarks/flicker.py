"""Prints the flicker of networks on video, of their teacher and of the clips themselves.

    python -m benchmarks.flicker --videos=DIR --checkpoint=runs/cartoon --checkpoint=runs/steady
    python -m benchmarks.flicker --videos=DIR --checkpoint=runs/cartoon --temporal

Flicker is the warp error of consecutive frames along the optical flow of the clip, divided by the
warp error of the clip itself: under 1 is steadier than the source (`benchmarks.style_metrics`).
Clips are scaled to a width of 480 pixels; the teacher draws with the line width of the training
pairs. `--temporal` adds a column for each: the same frames, blended along the motion. Blur is
steady too, so the crispness of the blended frames, divided by that before, stands in parentheses.
"""

import pathlib

import numpy as np
from absl import app, flags

from benchmarks.look_metrics import crispness
from benchmarks.styles import VIDEOS, Draw, flickers
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.styles import STYLES, cartoonize
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.video.temporal import TemporalBlend

_CHECKPOINTS = flags.DEFINE_multi_string(
    "checkpoint", [], "Work directory of a training; may be repeated."
)
_STYLE = flags.DEFINE_enum("style", "ink", list(STYLES), "The style that they have learned.")
_TEMPORAL = flags.DEFINE_bool("temporal", False, "Also measure each with temporal blending.")
_STRENGTH = flags.DEFINE_float("strength", 0.7, "Strength of the blend; 0.7 is the scripts' own.")


class Blended:
    """Draws and blends the frames of one clip, in order."""

    def __init__(self, draw: Draw):
        self._draw, self._blend = draw, TemporalBlend(_STRENGTH.value)
        self._crispness = []

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Returns the next frame, drawn and blended."""
        drawn = self._draw(frame)
        blended = self._blend(frame[None], drawn[None])[0]
        self._crispness.append((crispness(blended), crispness(drawn)))
        return blended

    def kept(self) -> float:
        """Returns the mean crispness of the blended frames divided by that of the drawn ones."""
        blended, drawn = np.mean(self._crispness, axis=0)
        return blended / drawn


def draws() -> dict[str, Draw]:
    """Returns the functions to measure by name: the teacher, then every network."""
    style, line_width = _STYLE.value, Cartoons().line_width
    found = {"teacher": lambda frame: cartoonize(frame, style, line_width=line_width)}
    for path in _CHECKPOINTS.value:
        predict = load_predictor(path)
        found[path] = lambda frame, predict=predict: predict(frame[None])[0]
    return found


def with_temporal(draws: dict[str, Draw]) -> dict[str, Draw]:
    """Returns the functions for one clip: each unchanged, and blended along the motion."""
    found = {}
    for name, draw in draws.items():
        found[name] = _once(draw)
        found[f"{name}, temporal"] = Blended(found[name])
    return found


def main(argv: list[str]) -> None:
    """Prints a Markdown table: a row for each clip."""
    if len(argv) > 1 or not VIDEOS.value:
        raise app.UsageError("--videos=DIR is required, and every argument must be a flag")
    measured = draws()
    columns = list(with_temporal(measured) if _TEMPORAL.value else measured)
    print("| clip | source | " + " | ".join(columns) + " |")
    print("|---" * (2 + len(columns)) + "|")
    for clip in sorted(pathlib.Path(VIDEOS.value).glob("*.mp4")):
        # A blend keeps the last frame, so each clip needs a new one.
        of_clip = with_temporal(measured) if _TEMPORAL.value else measured
        ratios = flickers(of_clip, clip)
        cells = " | ".join(_cell(of_clip[name], ratios[name]) for name in columns)
        print(f"| {clip.stem} | 1 | {cells} |")


def _once(draw: Draw) -> Draw:
    """Returns a function that keeps its last drawing and reuses it for the same frame."""
    frame, drawn = None, None

    def draw_once(asked: np.ndarray) -> np.ndarray:
        nonlocal frame, drawn
        if asked is not frame:
            frame, drawn = asked, draw(asked)
        return drawn

    return draw_once


def _cell(draw: Draw, flicker: float) -> str:
    kept = f" ({draw.kept():.2f})" if isinstance(draw, Blended) else ""
    return f"{flicker:.2f}{kept}"


if __name__ == "__main__":
    app.run(main)
