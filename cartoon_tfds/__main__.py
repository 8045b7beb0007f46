"""Builds the dataset without TensorFlow: `python -m cartoon_tfds --config=sample`.

The same builder as under `tfds build cartoon_tfds`, hence the same records.
"""

import secrets
import shutil
import sys
from pathlib import Path

import tensorflow_datasets as tfds
from absl import app, flags, logging

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder
from cartoon_tfds.images import ImageError, read_image, write_png
from cartoon_tfds.provenance import SPLITS, split_of
from cartoon_tfds.sources import SourceError
from cartoon_tfds.styles import cartoonize

_CONFIG = flags.DEFINE_enum(
    "config",
    Builder.BUILDER_CONFIGS[0].name,
    [config.name for config in Builder.BUILDER_CONFIGS],
    "Which photographs to make pairs of; README.md describes them.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Where prepared datasets lie; by default where TensorFlow Datasets has them:"
    " $TFDS_DATA_DIR or ~/tensorflow_datasets.",
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Build again; the old dataset is replaced when the new one is complete."
)
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir",
    None,
    "Also write every photograph, whole, and its cartoon to DIR/SPLIT/photo/NAME.png and"
    " DIR/SPLIT/cartoon/NAME.png.",
)

_MOST_NAMES_SHOWN = 20


def main(argv: list[str]) -> None:
    """Builds, reports and exports, as the flags say."""
    if len(argv) > 1:
        sys.exit(f"error: unexpected argument {argv[1]!r}; write flags as --config=sample")
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()  # It would fill a log file.
    logging.set_verbosity(logging.WARNING)
    try:
        builder = Builder(config=_CONFIG.value, data_dir=_DATA_DIR.value)
        _build(builder, overwrite=_OVERWRITE.value)
        _report(builder)
        if _EXPORT_DIR.value is not None:
            _export(builder, Path(_EXPORT_DIR.value).expanduser())
    except (ImageError, SourceError, OSError) as error:
        sys.exit(f"error: {error}")


def _build(builder: Builder, *, overwrite: bool) -> None:
    """Prepares the dataset, unless it is there."""
    if not Path(builder.data_path).exists():
        builder.download_and_prepare()
    elif overwrite:
        _rebuild(builder)
    else:
        print(f"{builder.info.full_name} is already there; --overwrite builds it again")


def _rebuild(builder: Builder) -> None:
    """Builds beside the old dataset and swaps them; `tfds build --overwrite` deletes first."""
    root, final = Path(builder.data_dir_root), Path(builder.data_path)
    staging = root / f".cartoon_tfds-{secrets.token_hex(4)}"
    try:
        beside = Builder(config=builder.builder_config.name, data_dir=staging)
        beside.download_and_prepare(download_dir=root / "downloads")
        old = final.rename(staging / "old")
        try:
            Path(beside.data_path).rename(final)
        except BaseException:
            old.rename(final)
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _report(builder: Builder) -> None:
    """Prints where the dataset lies and what is in its splits."""
    # A new builder reads what is on disk, not what this one remembers.
    builder = Builder(config=builder.builder_config.name, data_dir=builder.data_dir_root)
    print(f"{builder.info.full_name} lies in {builder.data_path}")
    undecoded = {"photo": tfds.decode.SkipDecoding(), "cartoon": tfds.decode.SkipDecoding()}
    for split in SPLITS:
        source = builder.as_data_source(split, decoders=undecoded)
        names = sorted({example["photo_id"].decode() for example in source})
        shown = f": {', '.join(names)}" if len(names) <= _MOST_NAMES_SHOWN else ""
        print(f"  {split}: {len(source)} pairs of {len(names)} photographs{shown}")


def _export(builder: Builder, folder: Path) -> None:
    """Writes the whole photographs and their cartoons as PNG files, sorted by split."""
    config = builder.builder_config
    dl_manager = tfds.download.DownloadManager(
        download_dir=Path(builder.data_dir_root) / "downloads", url_infos=builder.url_infos
    )
    for photo in builder.photographs(dl_manager)():
        pixels = read_image(photo.data, photo.photo_id)
        cartoon = cartoonize(pixels, config.style, line_width=config.line_width)
        for kind, image in (("photo", pixels), ("cartoon", cartoon)):
            path = folder / split_of(photo.sha256) / kind / f"{photo.photo_id}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_png(path, image)
    print(f"photographs and cartoons lie in {folder}")


if __name__ == "__main__":
    app.run(main)
