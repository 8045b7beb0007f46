"""Builds a dataset next to the existing one, and swaps both when it is complete."""

import contextlib
import dataclasses
import io
import shutil
from pathlib import Path

import tensorflow_datasets as tfds

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, BuildOptions, CartoonConfig
from cartoon_tfds.files import locked
from cartoon_tfds.generation.work_folder import locate, work_folder
from cartoon_tfds.sources.base import SourceError

_OLD = "old"


def build(
    config: CartoonConfig,
    data_dir: Path | None,
    *,
    overwrite: bool,
    options: BuildOptions,
) -> Builder:
    """Returns the builder of a dataset that is there, having built it if it was not.

    A build that ends early, for whatever reason, leaves a dataset that was there as it was, and
    its finished parts for the next build.

    Args:
      config: the config to build.
      data_dir: where prepared datasets lie; None for TensorFlow Datasets' own place.
      overwrite: whether an existing dataset is built again.
      options: how to build it; the folder for unfinished work is chosen here.

    Raises:
      SourceError: photographs cannot be had or used, or an existing dataset was made of others or
        in another way.
      InUseError: another process is building the dataset.
    """
    root = Path(data_dir or tfds.core.constants.DATA_DIR).expanduser()
    final = root / Builder.name / config.name / str(Builder.VERSION)
    _put_back(locate(root, config.name) / _OLD, final)
    if final.exists() and not overwrite:
        builder = _open(config, root)
        builder.refuse_another_build()
        print(f"{builder.info.full_name} is already there; --overwrite builds it again")
        return builder
    with work_folder(root, config.name) as work:
        staging = work / "new"
        for left_over in (staging, work / _OLD):
            shutil.rmtree(left_over, ignore_errors=True)
        new = Builder(
            config=config,
            data_dir=staging,
            options=dataclasses.replace(options, work_dir=work),
        )
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS names folders that will be gone
            new.download_and_prepare(download_dir=root / "downloads")
        # A file of TensorFlow Datasets for all configs, which names the default config.
        shutil.copytree(
            staging / Builder.name / ".config", root / Builder.name / ".config", dirs_exist_ok=True
        )
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            final.rename(work / _OLD)
        Path(new.data_path).rename(final)
    return _open(config, root)


def _open(config: CartoonConfig, root: Path) -> Builder:
    """Returns the builder of a dataset that is there."""
    try:
        return Builder(config=config, data_dir=root)
    except Exception as error:  # a damaged description fails in as many ways as it has parsers
        raise SourceError(
            f"the description of {config.name} in {root} is damaged ({type(error).__name__});"
            " --overwrite builds the dataset again"
        ) from error


def _put_back(old: Path, final: Path) -> None:
    """Undoes half a swap: of a build that was killed between its two renames."""
    if old.exists() and not final.exists():
        with locked(old.parent):
            old.rename(final)
