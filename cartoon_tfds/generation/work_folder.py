"""The folder in which a build works until it is complete."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cartoon_tfds.sources.base import SourceError


@contextlib.contextmanager
def work_folder(data_dir: Path, name: str) -> Iterator[Path]:
    """Gives `DATA_DIR/.cartoon_tfds-NAME` to one build at a time.

    It is removed when the block ends without an error; else what is finished stays in it for the
    next build.

    Args:
      data_dir: where prepared datasets lie.
      name: of the dataset's config.

    Raises:
      SourceError: if another process is building the same dataset.
    """
    folder = locate(data_dir, name)
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        # Between the two lines above another build may have finished and removed the folder.
        folder.mkdir(exist_ok=True)
        yield folder
        shutil.rmtree(folder)


def locate(data_dir: Path, name: str) -> Path:
    """Returns where a dataset's work folder is, or would be."""
    return data_dir / f".cartoon_tfds-{name}"


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder, which ends with the process that has it.

    Raises:
      SourceError: if another process has it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise SourceError(f"another process is building this dataset in {folder}") from None
    try:
        yield
    finally:
        os.close(descriptor)
