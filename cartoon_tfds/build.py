"""Builds a dataset in a separate folder, and moves it into place when it is complete."""

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
    """Builds a dataset unless it exists, and returns its builder.

    If a build fails or is killed, an existing dataset stays unchanged, and the next build reuses
    the finished parts.

    Args:
      config: the config to build.
      data_dir: folder of prepared datasets; None for the default of TensorFlow Datasets.
      overwrite: True to replace an existing dataset.
      options: options of the build; this function sets `work_dir` itself.

    Raises:
      SourceError: if photographs are missing or unusable, or if the existing dataset was built from
        other photographs or with other settings.
      InUseError: if another process is building the dataset.
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
        with contextlib.redirect_stdout(io.StringIO()):  # hides TFDS's temporary paths
            new.download_and_prepare(download_dir=root / "downloads")
        # TFDS keeps one folder for all configs, with the name of the default config.
        shutil.copytree(
            staging / Builder.name / ".config", root / Builder.name / ".config", dirs_exist_ok=True
        )
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            final.rename(work / _OLD)
        Path(new.data_path).rename(final)
    return _open(config, root)


def _open(config: CartoonConfig, root: Path) -> Builder:
    """Returns the builder of an existing dataset."""
    try:
        return Builder(config=config, data_dir=root)
    except Exception as error:  # each parser has its own errors for a damaged file
        raise SourceError(
            f"the description of {config.name} in {root} is damaged ({type(error).__name__});"
            " --overwrite builds the dataset again"
        ) from error


def _put_back(old: Path, final: Path) -> None:
    """Moves the old dataset back if a build was killed between its two renames."""
    if old.exists() and not final.exists():
        with locked(old.parent):
            old.rename(final)
