"""Builds a dataset beside the one that is there, and swaps them when it is complete."""

import contextlib
import dataclasses
import io
import shutil
from pathlib import Path

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, BuildOptions, CartoonConfig
from cartoon_tfds.work_folder import work_folder


def build(
    config: CartoonConfig,
    data_dir: Path | None,
    *,
    overwrite: bool,
    options: BuildOptions,
) -> Builder:
    """Returns the builder of a dataset that is there, having built it if it was not.

    A build that ends early, for whatever reason, leaves a dataset that was there as it was, and
    what it has finished for the next build.

    Args:
      config: what to build.
      data_dir: where prepared datasets lie; None for TensorFlow Datasets' own place.
      overwrite: builds again what is there.
      options: how to build it; the folder for unfinished work is chosen here.

    Raises:
      SourceError: if photographs cannot be had or used, if what is there was made of others or in
        another way, or if another process is building it.
    """
    builder = Builder(config=config, data_dir=data_dir)
    root, final = Path(builder.data_dir_root), Path(builder.data_path)
    if final.exists() and not overwrite:
        builder.refuse_another_build()
        print(f"{builder.info.full_name} is already there; --overwrite builds it again")
        return builder
    with work_folder(root, config.name) as work:
        old, staging = work / "old", work / "new"
        if old.exists() and not final.exists():
            old.rename(final)  # of a build that was killed between the two renames below
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(staging, ignore_errors=True)
        beside = Builder(
            config=config,
            data_dir=staging,
            options=dataclasses.replace(options, work_dir=work),
        )
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS names folders that will be gone
            beside.download_and_prepare(download_dir=root / "downloads")
        # What TensorFlow Datasets keeps for all configs: which of them is the default.
        shutil.copytree(
            staging / builder.name / ".config", root / builder.name / ".config", dirs_exist_ok=True
        )
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            final.rename(old)
        Path(beside.data_path).rename(final)
    return Builder(config=config, data_dir=data_dir)
