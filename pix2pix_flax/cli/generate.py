"""Generates images with a trained unconditional network.

    python scripts/generate.py --checkpoint=DIR --seeds=0-63 --grid=faces.png
    python scripts/generate.py --checkpoint=DIR --seeds=3,14,15 --interpolate=way.mp4
    python scripts/generate.py --checkpoint=DIR --seeds=0-63 --neighbours=near.png

The same seeds give the same bytes on the same machine. Only --neighbours reads the dataset.
"""

from pathlib import Path

import numpy as np
from absl import flags

from cartoon_tfds.errors import UserError
from pix2pix_flax.cli import checkpoint_flag, dataset_flags
from pix2pix_flax.cli.checkpoint_flag import CHECKPOINT
from pix2pix_flax.cli.dataset_flags import DATA_DIR, DATASET
from pix2pix_flax.cli.finite import Finite
from pix2pix_flax.cli.paths import PATH

REQUIRED = ("checkpoint",)
flags.adopt_module_key_flags(checkpoint_flag)
flags.adopt_module_key_flags(dataset_flags)
_SEEDS = flags.DEFINE_string("seeds", "0-63", "Seeds: numbers and ranges, such as 0-63,100.")
_TRUNCATION = flags.DEFINE(
    Finite(lower_bound=0.01),
    "truncation",
    None,
    "Draw latent numbers beyond this limit again, such as 0.7: images become more typical and "
    "more alike.",
)
_GRID = flags.DEFINE(PATH, "grid", None, "PNG file to write with all images in rows.")
_COLUMNS = flags.DEFINE_integer(
    "columns", 0, "Columns of the grid; 0: about as many as rows.", lower_bound=0
)
_OUTPUT = flags.DEFINE(PATH, "output", None, "Folder to write each image to, as seed-N.png.")
_INTERPOLATE = flags.DEFINE(
    PATH, "interpolate", None, "Video file to write, from seed to seed and back."
)
_SECONDS = flags.DEFINE(
    Finite(lower_bound=0.1), "seconds", 1.0, "Seconds from seed to seed in the clip."
)
_FPS = flags.DEFINE_integer("fps", 24, "Frames per second of the clip.", lower_bound=1)
_NEIGHBOURS = flags.DEFINE(
    PATH,
    "neighbours",
    None,
    "PNG file to write with the images nearest to training pictures, each next to its nearest "
    "five. Compares VGG16 features with the whole training split (extra lpips). --dataset and "
    "--data_dir apply only here.",
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace files that exist.")

_SHOWN = 12  # rows of the picture of --neighbours


def main(argv: list[str]) -> None:
    """Generates the images and writes the files that the flags name."""
    del argv
    # Imported here, so that a wrong flag fails at once.
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
    files = {name: Path(file) for name, file in files.items() if file}
    _check(files, len(seeds))
    sample = sampler.load_sampler(CHECKPOINT.value)
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
        way = sampler.interpolate(latents, max(1, round(_SECONDS.value * _FPS.value)))
        sampler.write_video(sample(way), files["interpolate"], _FPS.value)
    if near is not None:
        write_png(files["neighbours"], near)
    written = filter(None, (_GRID.value, _OUTPUT.value, _INTERPOLATE.value, _NEIGHBOURS.value))
    print(f"{len(seeds)} images: {', '.join(written)}")


def _check(files: dict[str | int, Path], count: int) -> None:
    """Raises a UserError if no output is named, seeds are missing, or a file exists already."""
    from pix2pix_flax.inference.video.codecs import CODECS

    if not files:
        raise UserError("name at least one of --grid, --output, --interpolate and --neighbours")
    if "interpolate" in files and count < 2:
        raise UserError("--interpolate needs two seeds or more")
    clip, suffixes = files.get("interpolate"), CODECS["h264"].suffixes
    if clip and clip.suffix.lower() not in suffixes:
        raise UserError(f"{clip}: a clip has to end in {', '.join(suffixes)}")
    there = [file for file in files.values() if file.exists()]
    if there and not _OVERWRITE.value:
        raise UserError(f"{there[0]} exists already (replace it with --overwrite)")


def _neighbours(config, images: np.ndarray, seeds: list[int]) -> np.ndarray:
    """Prints the distances to training images; returns a sheet of the nearest images."""
    from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
    from pix2pix_flax.evaluation.nearest_neighbours import draw_neighbours, find_neighbours
    from pix2pix_flax.models.frozen.weights import load_lpips_weights

    config = DatasetChoice(name=DATASET.value, data_dir=DATA_DIR.value).apply(config)
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
