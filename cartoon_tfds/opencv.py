"""Warns if two packages have installed OpenCV into one folder.

`opencv-python`, `opencv-python-headless` and their `contrib` forms all install the folder `cv2`.
pip cannot be told that one of them is enough. The second one overwrites files of the first one.
"""

import importlib.util
import logging
from pathlib import Path

_log = logging.getLogger(__name__)


def warn_if_installed_twice() -> None:
    """Logs one line if several packages have installed the folder `cv2` that Python would import.

    The line names the packages, their versions and the commands that keep one of them. OpenCV is
    not imported. This takes about a millisecond.
    """
    spec = importlib.util.find_spec("cv2")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent.parent
    found = sorted(path.stem.split("-") for path in folder.glob("opencv_*-*.dist-info"))
    if len(found) < 2:
        return
    names = [name.replace("_", "-") for name, _ in found]
    versions = [version for _, version in found]
    described = " and ".join(map(" ".join, zip(names, versions, strict=True)))
    _log.warning(
        "%s in %s overwrite each other's folder cv2. Keep one of them: pip uninstall -y %s,"
        " then pip install --no-deps opencv-python-headless (or opencv-python).",
        described,
        folder,
        " ".join(names),
    )
