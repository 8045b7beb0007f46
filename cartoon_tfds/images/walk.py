"""Lists the files of a folder, with its subfolders and the folders that it links to."""

import dataclasses
import os
from pathlib import Path

from cartoon_tfds.files import real_path


@dataclasses.dataclass(frozen=True)
class Listing:
    """The files of a folder and its subfolders, without hidden ones.

    Attributes:
      files: the files, sorted in each folder; the paths begin with the folder.
      unreadable: an error for each folder that cannot be listed.
    """

    files: list[Path]
    unreadable: list[OSError]


def list_files(folder: Path, skipped: Path | None = None) -> Listing:
    """Lists the files in a folder and its subfolders.

    Links to folders are followed after all other folders, and only to folders that have not been
    listed. So every folder is listed once, and a link to a folder above it ends.

    Args:
      folder: the folder.
      skipped: a folder that is left out.
    """
    listing = Listing([], [])
    seen = {real_path(skipped)} if skipped else set()
    roots = [folder]
    for root in roots:  # grows in the loop
        if real_path(root) in seen:
            continue
        for parent, folders, files in os.walk(root, onerror=listing.unreadable.append):
            base = Path(parent)
            seen.add(real_path(base))
            shown = [base / name for name in sorted(folders) if not name.startswith(".")]
            roots += [path for path in shown if path.is_symlink()]
            folders[:] = [
                path.name for path in shown if not path.is_symlink() and real_path(path) not in seen
            ]
            listing.files.extend(base / name for name in sorted(files) if name[0] != ".")
    return listing
