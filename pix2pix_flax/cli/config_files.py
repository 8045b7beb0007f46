"""Finds configurations by name, in a checkout and in an installed package.

The files of configs/ are installed as the folder pix2pix_flax/configs. They import one another from
`configs`, and so does a copy of one of them; `folder` makes this work outside a checkout too.
"""

import importlib.util
import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path

from cartoon_tfds.errors import UserError

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")
_SHARED = "base"  # no configuration of its own


def folder() -> Path:
    """Returns the folder of the configurations that come with the package, and makes it importable.

    Configurations can then import one another from `configs` outside a checkout too.
    """
    found = next(path for path in _FOLDERS if (path / f"{_SHARED}.py").is_file())
    if "configs" not in sys.modules and importlib.util.find_spec("configs") is None:
        package = types.ModuleType("configs")
        package.__path__ = [str(found)]
        sys.modules["configs"] = package
    return found


def names() -> list[str]:
    """Returns the names of the configurations that come with the package."""
    return sorted(path.stem for path in folder().glob("*.py") if path.stem != _SHARED)


def resolve(argv: Sequence[str], flag: str = "config") -> list[str]:
    """Returns arguments in which the name of a configuration is the path of its file.

    `--config=anime:smoke` becomes `--config=FOLDER/anime.py:smoke`. Paths stay unchanged.

    Raises:
      UserError: the value is neither a file nor a known name.
    """
    folder()  # for a copy of a configuration, which imports others
    found = list(argv)
    for index, word in enumerate(argv):
        if word in (f"--{flag}", f"-{flag}") and index + 1 < len(argv):
            found[index + 1] = _path(argv[index + 1])
        for start in (f"--{flag}=", f"-{flag}="):
            if word.startswith(start):
                found[index] = start + _path(word.removeprefix(start))
    return found


def _path(value: str) -> str:
    name, colon, words = value.partition(":")
    name = os.path.expanduser(name)
    if Path(name).is_file() or not name:
        return f"{name}{colon}{words}"
    if name.removesuffix(".py") in names():
        return f"{folder() / name.removesuffix('.py')}.py{colon}{words}"
    stem = Path(name).stem
    advice = f"; write --config={stem}" if stem in names() else ""
    raise UserError(f"--config={name} is neither a file nor one of {', '.join(names())}{advice}")
