"""Changes one part of the cartoon training at a time, and prints a table of the results.

    python -m benchmarks.ablation --photos=DIR --every=10 --dataset=cartoon_tfds/free --out=DIR

Each part is trained with every seed for the same number of steps. The networks then draw
photographs that they were not trained on, at their own size. `benchmarks.look_metrics` compares the
drawings with the photographs and with their teacher, the style `ink`; `l1` is the mean difference
from the teacher, of values 0..1. A training that was stopped goes on with the same command.
"""

import dataclasses
import pathlib

import numpy as np
from absl import app, flags

from benchmarks import look_metrics
from benchmarks.styles import EVERY, PHOTOS, markdown, read_photos
from cartoon_tfds.errors import choose
from cartoon_tfds.styles import cartoonize
from configs import demo
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.train import train

_DATASET = flags.DEFINE_string("dataset", "cartoon_tfds/sample", "Dataset to train with.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the dataset.")
_OUT = flags.DEFINE_string("out", None, "Folder of the runs.", required=True)
_STEPS = flags.DEFINE_integer("steps", 3000, "Steps of each training.", lower_bound=1)
_SEEDS = flags.DEFINE_multi_integer("seed", [0], "Seed; give it again for more of them.")
_PARTS = flags.DEFINE_list("parts", None, "Names of parts; default: all.")

LINE_WIDTH = 2.0  # pixels, of the teacher
PARTS: dict[str, dict[str, object]] = {
    "all": {},
    "-cel": {"generator.cel_steps": 0},
    "-cel+residual": {"generator.cel_steps": 0, "generator.residual": True},
    "-fine": {"generator.fine_width": 0},
    "-ink": {"loss_weights.ink": 0.0},
    "-gradient": {"loss_weights.gradient": 0.0},
    "-gan": {},
    "+lpips": {"loss_weights.lpips": 50.0, "perceptual.net": "alexnet"},
    "+consistency": {"loss_weights.consistency": 50.0},
    "depth4": {"generator.depth": 4},
}
"""The changes of `configs/demo.py`, by dotted names; `-gan` leaves the discriminator out."""


def part_config(part: str, seed: int):
    """Returns the configuration of a row of the table."""
    changes = choose(PARTS, "--parts", part)
    config = demo.get_config("supervised" if part == "-gan" else "")
    config.update_from_flattened_dict(changes)
    config.seed = seed
    config.data.name, config.data.data_dir = _DATASET.value, _DATA_DIR.value
    config.train.steps = config.train.eval_every_steps = _STEPS.value
    return config


def scores(workdir: pathlib.Path, photos: list[np.ndarray], teachers: list[np.ndarray]) -> list:
    """Returns the means over the photographs: L1 from the teacher, and the fields of `Look`."""
    predict = load_predictor(workdir)
    drawings = [predict(photo[None])[0] for photo in photos]
    l1, found = look_metrics.compare(photos, drawings, teachers)
    return [l1, *dataclasses.astuple(found)]


def main(argv: list[str]) -> None:
    """Trains, and prints the table."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {argv[1:]}")
    photos = list(read_photos(PHOTOS.value, EVERY.value).values())
    teachers = [cartoonize(photo, line_width=LINE_WIDTH) for photo in photos]
    looks = map(look_metrics.look, photos, teachers, teachers)
    rows = [["", "l1", *(field.name for field in dataclasses.fields(look_metrics.Look))]]
    rows.append(_row("teacher", [[0.0, *dataclasses.astuple(look_metrics.means(list(looks)))]]))
    for part in _PARTS.value or PARTS:
        found = []
        for seed in _SEEDS.value:
            workdir = pathlib.Path(_OUT.value) / f"{part}_{seed}"
            if code := train(part_config(part, seed), workdir):
                raise SystemExit(code)  # it was stopped
            found.append(scores(workdir, photos, teachers))
        rows.append(_row(part, found))
        print("\n".join(markdown(rows)), flush=True)


def _row(name: str, found: list[list[float]]) -> list[str]:
    """Returns the means over the seeds, with the largest difference from them."""
    columns = np.array(found).T
    cells = [f"{column.mean():.3f}" for column in columns]
    if len(found) > 1:
        spread = [np.abs(column - column.mean()).max() for column in columns]
        cells = [f"{cell} ±{s:.3f}" for cell, s in zip(cells, spread, strict=True)]
    return [name, *cells]


if __name__ == "__main__":
    app.run(main)
