"""The folder in which a build works until it is complete."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from cartoon_tfds.files import locked


@contextlib.contextmanager
def work_folder(data_dir: Path, name: str) -> Iterator[Path]:
    """Gives `DATA_DIR/.cartoon_tfds-NAME` to one build at a time.

    It is removed when the block ends without an error; else finished parts stay in it for the next
    build.

    Args:
      data_dir: where prepared datasets lie.
      name: of the dataset's config.

    Raises:
      InUseError: another process is building the same dataset.
    """
    folder = locate(data_dir, name)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        # Between the two lines above another build may have finished and removed the folder.
        folder.mkdir(exist_ok=True)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # On NFS the file of the lock stays until it is closed.
        folder.rmdir()


def locate(data_dir: Path, name: str) -> Path:
    """Returns where a dataset's work folder is, or would be."""
    return data_dir / f".cartoon_tfds-{name}"
