"""Prints the content of a finished dataset, and exports its images as PNG files."""

import collections
import os
import shlex
from pathlib import Path

import tensorflow_datasets as tfds

from cartoon_tfds.cartoon_tfds_dataset_builder import SKIPPED, Builder
from cartoon_tfds.files import fitting
from cartoon_tfds.images import write_png
from cartoon_tfds.records import manifest
from cartoon_tfds.sources.splits import SPLITS

_MOST_NAMES_SHOWN = 20


def report(builder: Builder) -> None:
    """Prints the folder, the content of each split and the number of photographs left out."""
    folder = Path(builder.data_path)
    print(f"{builder.info.full_name} lies in {folder}")
    by_split = collections.defaultdict(list)
    for example in manifest.read_examples(folder):
        by_split[example["split"]].append(example)
    for split, examples in by_split.items():
        themes = {example["id"]: example["theme"] for example in examples}
        names = ", ".join(sorted(themes))
        if len(themes) > _MOST_NAMES_SHOWN:
            counts = sorted(collections.Counter(themes.values()).items())
            names = ", ".join(f"{count} {theme or 'without a theme'}" for theme, count in counts)
        print(f"  {split}: {len(examples)} examples of {len(themes)} pictures: {names}")
    for split in SPLITS:
        if split not in by_split:
            print(f"  {split}: not there, because no picture belongs to it")
    if "test" not in by_split and "validation" in by_split:
        print("  for scores: add photographs, or evaluate with --split=validation")
    if "validation" not in by_split and (count := len(by_split["train"])) > 1:
        print(f"  {_how_to_validate(count)}")
    if skipped := manifest.read_build(folder)["skipped"]:
        counts = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
        print(f"  left out: {counts}; {folder / SKIPPED} lists them")


def report_next_step(builder: Builder) -> None:
    """Prints the command of a first training on the dataset, if its recipe names one."""
    training, splits = builder.builder_config.recipe.training(), builder.info.splits
    if training is None or "train" not in splits:
        return
    name, root = builder.builder_config.name, str(builder.data_dir_root)
    flags = {"config": training, "workdir": f"runs/{name}"}
    flags["config.data.name"] = f"{builder.name}/{name}"
    if root != os.path.expanduser(tfds.core.constants.DATA_DIR):
        flags["config.data.data_dir"] = root
    if "validation" not in splits:
        flags |= _held_back(splits["train"].num_examples)
    values = (shlex.quote(f"--{flag}={value}") for flag, value in flags.items())
    print("to train on it: pix2pix-flax train", *values)


def _how_to_validate(count: int) -> str:
    """Returns how to get validation examples; `count` is the number of training examples."""
    flags = " ".join(f"--{flag}='{part}'" for flag, part in _held_back(count).items())
    start = (
        "to choose the splits, sort the files into subfolders train, val and test; or train with"
    )
    return f"{start} {flags}"


def _held_back(count: int) -> dict[str, str]:
    """Returns the flags that hold back a tenth of the training examples for validation."""
    end = min(max(2, count // 10), count // 2)
    return {
        "config.data.validation_split": f"train[:{end}]",
        "config.data.train_split": f"train[{end}:]",
    }


def export(builder: Builder, folder: Path) -> None:
    """Writes the whole photographs and their cartoons as PNG files, in one folder per split.

    Args:
      builder: the builder of a prepared dataset with the recipe `Cartoons`.
      folder: output folder for SPLIT/photo/NAME.png and SPLIT/cartoon/NAME.png. With several
        styles, the cartoons are SPLIT/STYLE/NAME.png.
    """
    recipe = builder.builder_config.recipe
    dl_manager = tfds.download.DownloadManager(
        download_dir=Path(builder.data_dir_root) / "downloads", url_infos=builder.url_infos
    )
    examples = manifest.read_examples(Path(builder.data_path))
    splits = {example["sha256"]: example["split"] for example in examples}
    for source in builder.builder_config.origin.fetch(dl_manager):
        for photo in source.photos():
            if photo.sha256 in splits:
                _export_photo(photo, recipe, folder / splits[photo.sha256])
    print(f"photographs and cartoons lie in {folder}")


def _export_photo(photo, recipe, folder: Path) -> None:
    pixels = recipe.read(photo)
    kinds = recipe.styles if len(recipe.styles) > 1 else ("cartoon",)
    drawn = [recipe.draw(pixels, style) for style in recipe.styles]
    for kind, image in zip(("photo", *kinds), (pixels, *drawn), strict=True):
        path = fitting(folder / kind / f"{photo.photo_id}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, image)
