"""The user's cache folder: files that are made once, and made anew if they are missing.

It is `~/.cache/pix2pix_flax`, or the folder that `PIX2PIX_FLAX_CACHE` names. Whoever can write to
it can change what this user's commands compute, so only the user may enter it.
"""

import contextlib
import hashlib
import logging
import os
import platform
import warnings
from pathlib import Path

from cartoon_tfds.files import atomic_write

CACHE_VARIABLE = "PIX2PIX_FLAX_CACHE"
"""Environment variable that names the cache folder."""

_log = logging.getLogger(__name__)

_COMPILED_VARIABLE = "JAX_COMPILATION_CACHE_DIR"
_SWITCH_VARIABLE = "JAX_ENABLE_COMPILATION_CACHE"
_LEAST_SECONDS = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
_MOST_COMPILED = 2**30  # bytes of compiled programs; the step of configs/demo.py takes 0.5e6


def cache_folder(name: str = "") -> Path:
    """Returns the cache folder or a folder in it, which need not exist."""
    folder = os.environ.get(CACHE_VARIABLE) or os.path.expanduser("~/.cache/pix2pix_flax")
    is_homeless = folder.startswith("~")  # a user whom the machine does not know
    return Path(os.devnull if is_homeless else folder) / name  # the former cannot be written


def make_folder(folder: Path) -> bool:
    """Makes a folder for this user alone; returns whether files can be written to it."""
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.access(folder, os.W_OK | os.X_OK)


def keep(path: Path, data: bytes) -> None:
    """Writes a file of the cache; logs a warning if it cannot be written."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:  # With a read-only home only the next start takes longer.
        _log.warning("%s is not cached: %s", path, error.strerror)


def keep_compiled_programs() -> None:
    """Lets JAX keep what it compiles for later processes; call it before JAX is imported.

    JAX's own variables win: JAX_COMPILATION_CACHE_DIR names another folder, and
    JAX_ENABLE_COMPILATION_CACHE=false keeps nothing. If the folder cannot be written, JAX compiles
    in each process.
    """
    if {_COMPILED_VARIABLE, _SWITCH_VARIABLE} & os.environ.keys():
        return
    folder = cache_folder("compiled") / _processor()
    if not make_folder(folder):
        return
    _remove_oldest(folder)
    os.environ[_COMPILED_VARIABLE] = str(folder)
    os.environ.setdefault(_LEAST_SECONDS, "0.1")  # JAX's default leaves out what takes a second
    # A file that another process is writing, or a full disk: the program is compiled instead.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry")


def _processor() -> str:
    """Returns 8 digits for the processor's instructions: homes are shared by different machines."""
    with contextlib.suppress(OSError):  # only Linux has it
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        kinds = sorted({line for line in lines if line.startswith(("flags", "Features"))})
        return hashlib.sha256("".join(kinds).encode()).hexdigest()[:8]
    return platform.machine()


def _remove_oldest(folder: Path) -> None:
    """Removes the files that were not used for the longest time beyond `_MOST_COMPILED` bytes."""
    with contextlib.suppress(OSError):  # another process removes files too
        found = [(path, path.stat()) for path in folder.iterdir()]
        found.sort(key=lambda file: max(file[1].st_atime, file[1].st_mtime), reverse=True)
        total = 0
        for path, status in found:
            total += status.st_size
            if total > _MOST_COMPILED:
                path.unlink(missing_ok=True)
