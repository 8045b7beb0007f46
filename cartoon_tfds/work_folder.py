"""The folder in which a build works until it is complete."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cartoon_tfds.sources import SourceError


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
    folder = data_dir / f".cartoon_tfds-{name}"
    with _locked(folder):
        yield folder
        shutil.rmtree(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Makes a folder and holds its lock, which ends with the process that has it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between the two calls above another build may have finished and removed the folder.
        folder.mkdir(exist_ok=True)
        yield
    except BlockingIOError:
        raise SourceError(f"another process is building this dataset in {folder}") from None
    finally:
        os.close(descriptor)
