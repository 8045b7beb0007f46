"""Generates images with a trained unconditional network.

    python scripts/generate.py --checkpoint=DIR --seeds=0-63 --grid=faces.png
    python scripts/generate.py --checkpoint=DIR --seeds=3,14,15 --interpolate=way.mp4
    python scripts/generate.py --checkpoint=DIR --seeds=0-63 --neighbours=near.png

The same seeds give the same bytes on the same machine. Only --neighbours reads the dataset.
"""

from pathlib import Path

import numpy as np
from absl import flags

from pix2pix_flax.cli import command

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "A training run (its best step, else its latest) or one of its steps."
)
_SEEDS = flags.DEFINE_string("seeds", "0-63", "Numbers and ranges, such as 0-63,100.")
_TRUNCATION = flags.DEFINE_float(
    "truncation",
    None,
    "Draw numbers of a latent again beyond this, such as 0.7: images more alike, and more usual.",
    lower_bound=0.01,
)
_GRID = flags.DEFINE_string("grid", None, "PNG file with all images in rows.")
_COLUMNS = flags.DEFINE_integer("columns", 0, "Of the grid; 0: as many as rows.", lower_bound=0)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for each image as seed-N.png.")
_INTERPOLATE = flags.DEFINE_string("interpolate", None, "Clip from seed to seed and back.")
_SECONDS = flags.DEFINE_float("seconds", 1.0, "Of the clip, from seed to seed.", lower_bound=0.1)
_FPS = flags.DEFINE_integer("fps", 24, "Frames per second of the clip.", lower_bound=1)
_NEIGHBOURS = flags.DEFINE_string(
    "neighbours",
    None,
    "PNG file with the images that are nearest to training pictures, each beside its nearest five. "
    "Looks at the whole training split through VGG16 (extra lpips).",
)
_DATASET = flags.DEFINE_string(
    "dataset", None, "For --neighbours: its name, if not that of the training."
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "For --neighbours: where the dataset lies, if not where it lay."
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace files that are there already.")

_SHOWN = 12  # rows of --neighbours


def main(argv: list[str]) -> None:
    """Writes what the flags name."""
    del argv
    # Imported here: a wrong flag is told at once.
    from cartoon_tfds.images import write_png
    from pix2pix_flax.image.sheet import grid
    from pix2pix_flax.inference import sampler

    seeds = sampler.parse_seeds(_SEEDS.value)
    files = {
        "grid": _GRID.value,
        "interpolate": _INTERPOLATE.value,
        "neighbours": _NEIGHBOURS.value,
        **{seed: Path(_OUTPUT.value) / f"seed-{seed}.png" for seed in seeds if _OUTPUT.value},
    }
    files = {name: Path(file).expanduser() for name, file in files.items() if file}
    _check(files, len(seeds))
    sample = sampler.load_sampler(_CHECKPOINT.value)
    latents = sample.latents(seeds, _TRUNCATION.value)
    images = sample(latents)
    near = _neighbours(sample.config, images, seeds) if "neighbours" in files else None
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
    if "grid" in files:
        write_png(files["grid"], grid(images, _COLUMNS.value))
    for seed, image in zip(seeds, images, strict=True):
        if seed in files:
            write_png(files[seed], image)
    if "interpolate" in files:
        way = sampler.interpolate(latents, round(_SECONDS.value * _FPS.value))
        sampler.write_video(sample(way), files["interpolate"], _FPS.value)
    if near is not None:
        write_png(files["neighbours"], near)
    written = filter(None, (_GRID.value, _OUTPUT.value, _INTERPOLATE.value, _NEIGHBOURS.value))
    print(f"{len(seeds)} images: {', '.join(written)}")


def _check(files: dict[str | int, Path], count: int) -> None:
    """Raises a ValueError where nothing is to be written, or where it may not be."""
    if not files:
        raise ValueError("name at least one of --grid, --output, --interpolate and --neighbours")
    if "interpolate" in files and count < 2:
        raise ValueError("--interpolate needs two seeds or more")
    there = [file for file in files.values() if file.exists()]
    if there and not _OVERWRITE.value:
        raise ValueError(f"{there[0]} exists already (replace it with --overwrite)")


def _neighbours(config, images: np.ndarray, seeds: list[int]) -> np.ndarray:
    """Prints how near images are to training pictures; returns the nearest beside these."""
    from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
    from pix2pix_flax.evaluation.nearest_neighbours import draw_neighbours, find_neighbours
    from pix2pix_flax.models.frozen.weights import load_lpips_weights

    config = DatasetChoice(name=_DATASET.value, data_dir=_DATA_DIR.value).apply(config)
    found = find_neighbours(images, config, load_lpips_weights("vgg16"))
    least = found.distances[:, 0]
    print(
        f"nearest training picture: median distance {np.median(least):.3g} from {len(images)} "
        f"generated, {np.median(found.unseen):.3g} from {len(found.unseen)} unseen pictures "
        f"(split {config.data.validation_split})"
    )
    order = np.argsort(least, kind="stable")[:_SHOWN]
    print(f"rows of {_NEIGHBOURS.value}: seeds {', '.join(str(seeds[place]) for place in order)}")
    found = found._replace(distances=found.distances[order], places=found.places[order])
    return draw_neighbours(images[order], found, config)


if __name__ == "__main__":
    flags.mark_flags_as_required(["checkpoint"])
    command.run(main)
