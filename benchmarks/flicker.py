"""Prints how steady networks are on video, beside their teacher and the clips themselves.

    python -m benchmarks.flicker --videos=DIR --checkpoint=runs/cartoon --checkpoint=runs/steady

The warp error of consecutive frames along the optical flow of the clip, over that of the clip:
under 1 is steadier than the source (`benchmarks.style_metrics`). Clips are scaled to a width of
480 pixels; the teacher draws with the line width of the training pairs.
"""

import pathlib

from absl import app, flags

from benchmarks.styles import VIDEOS, Draw, flickers
from cartoon_tfds.cartoons import Cartoons
from cartoon_tfds.styles import cartoonize
from pix2pix_flax.inference.predictor import load_predictor

_CHECKPOINTS = flags.DEFINE_multi_string("checkpoint", [], "A work directory; may be repeated.")


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


def main(argv: list[str]) -> None:
    """Prints a Markdown table: a row for each clip."""
    if len(argv) > 1 or not VIDEOS.value:
        raise app.UsageError("--videos=DIR is needed, and nothing but flags")
    measured = draws()
    print("| clip | source | " + " | ".join(measured) + " |")
    print("|---" * (2 + len(measured)) + "|")
    for clip in sorted(pathlib.Path(VIDEOS.value).glob("*.mp4")):
        ratios = flickers(measured, clip)
        print(
            f"| {clip.stem} | 1 | " + " | ".join(f"{ratios[name]:.2f}" for name in measured) + " |"
        )


if __name__ == "__main__":
    app.run(main)
