"""The folder for the unfinished work of a build."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from cartoon_tfds.files import locked


@contextlib.contextmanager
def work_folder(data_dir: Path, name: str) -> Iterator[Path]:
    """Creates and locks the work folder `DATA_DIR/.cartoon_tfds-NAME`, and yields its path.

    The folder is removed at the end of the block. After an error it stays, and the next build
    reuses the finished parts in it.

    Args:
      data_dir: folder of prepared datasets.
      name: name of the dataset's config.

    Raises:
      InUseError: if another process is building the same dataset.
    """
    folder = locate(data_dir, name)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        # Another build may have finished and removed the folder after `mkdir` and before the lock.
        folder.mkdir(exist_ok=True)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # NFS keeps an open lock file in the folder.
        folder.rmdir()


def locate(data_dir: Path, name: str) -> Path:
    """Returns the path of a dataset's work folder, which may not exist."""
    return data_dir / f".cartoon_tfds-{name}"
