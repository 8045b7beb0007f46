"""Errors about the user's files, flags and values, which commands print on one line."""

import difflib
import errno
import io
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TypeVar

_T = TypeVar("_T")

_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)  # OSError names no file for a full disk.


class UserError(ValueError):
    """Raised for a mistake in a file, flag or value that the user can correct.

    Commands print the message on one line, without a traceback. The message names the mistake, its
    place and the next step. Every other error is a fault of the program and keeps its traceback.

    Attributes:
      exit_code: exit code of a command that ends with the error.
    """

    exit_code = 1


def is_user_error(error: BaseException) -> bool:
    """Returns True if commands print the error on one line, without a traceback.

    These errors are a `UserError`, and an `OSError` about a named file or a full disk.
    """
    if isinstance(error, OSError):
        return error.filename is not None or error.errno in _DISK_IS_FULL
    return isinstance(error, UserError)


def one_line(error: BaseException) -> str:
    """Returns the message of an error on one line; an empty one becomes the name of the class."""
    return " ".join(str(error).split()) or type(error).__name__


def print_any_name() -> None:
    """Lets a command print every name of a file: bytes that are not UTF-8 are escaped.

    Python would end the command at such a name, in place of its report.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Discards all further output of a command whose reader has gone, as `| head` does.

    Python would print a traceback when it closes the output.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def choose(choices: Mapping[str, _T], key: str, name: str) -> _T:
    """Returns the choice of this name.

    Args:
      choices: the choices by name.
      key: the setting, for the message, such as `config.task`.
      name: the value of the setting.

    Raises:
      UserError: listing the known names.
    """
    if name not in choices:
        raise UserError(f"{key} must be one of {', '.join(choices)}, not {name!r}.")
    return choices[name]


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Returns a question that names the known word nearest to a misspelt one; '' if none is near.

    Args:
      word: the user's word.
      known: the words that are right.
      cutoff: least similarity by `difflib`, 0 (any word) to 1 (the same word).
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"Did you mean {near[0]}?" if near else ""
