"""Makes the pictures of docs/anime.md from the previews that trainings have written.

    python -m benchmarks.faces --run=runs/dcgan --run=runs/anime --out=docs

Writes `anime.jpg`, all seeds of the last run after its last epoch; `anime_epochs.jpg`, six seeds of
each run, a row for each of six epochs; and `anime.webp`, half of the last run's seeds over the
epochs. The trainings need `--config.train.preview_every_epochs=1`.
"""

import pathlib

import numpy as np
from absl import app, flags
from PIL import Image

from cartoon_tfds.errors import UserError
from pix2pix_flax.image import sheet
from pix2pix_flax.report.previews import find_previews, read_body

_RUNS = flags.DEFINE_multi_string(
    "run", None, "Folder of a training; again for more.", required=True
)
_EPOCHS = flags.DEFINE_list("epochs", ["1", "5", "20", "50", "100", "150"], "Rows of the sheet.")
_SEEDS = flags.DEFINE_integer("seeds", 6, "Seeds of each run on the sheet.", lower_bound=1)
_OUT = flags.DEFINE_string("out", "docs", "Folder to write to.")

_COLUMNS = 8  # of the grid that an unconditional training writes
_GAP = 16  # pixels between two runs
_EVERY = 2  # epochs of one frame of the moving picture
_MILLISECONDS = 120  # of one frame
_QUALITY, _CLIP_QUALITY = 90, 60  # of JPEG and WebP


def main(argv: list[str]) -> None:
    """Writes the files."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {argv[1:]}")
    runs, out = [_grids(pathlib.Path(run)) for run in _RUNS.value], pathlib.Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    rows = [
        sheet.beside([_first_row(grids[int(epoch)]) for grids in runs], _GAP)
        for epoch in _EPOCHS.value
    ]
    grids = list(runs[-1].values())
    for name, picture in (("anime", grids[-1]), ("anime_epochs", np.concatenate(rows))):
        Image.fromarray(picture).save(out / f"{name}.jpg", quality=_QUALITY)
    halves = [grid[: len(grid) // 2] for grid in grids[::_EVERY]]
    first, *others = map(Image.fromarray, halves)
    settings = {"duration": _MILLISECONDS, "loop": 0, "quality": _CLIP_QUALITY, "method": 6}
    first.save(out / "anime.webp", save_all=True, append_images=others, **settings)


def _grids(run: pathlib.Path) -> dict[int, np.ndarray]:
    """Returns the grids of a training by epoch, in their order, uint8 [H, W, 3].

    Raises:
      UserError: the training has no grid after one of the epochs of the sheet.
    """
    found = {
        p.epoch: read_body(p.path)[1] for p in find_previews(run) if p.name == "grid" and p.epoch
    }
    if missing := {int(epoch) for epoch in _EPOCHS.value} - set(found):
        raise UserError(f"{run / 'previews'} has no grid of the epochs {sorted(missing)}")
    return found


def _first_row(grid: np.ndarray) -> np.ndarray:
    """Returns the first seeds of a grid, side by side."""
    side = grid.shape[1] // _COLUMNS
    return grid[:side, : side * _SEEDS.value]


if __name__ == "__main__":
    app.run(main)
