"""Errors about the user's files, flags and values, which commands tell in one line."""

import errno

_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)  # Python names no file then.


class UserError(ValueError):
    """A mistake in a file, a flag or a value of the user, who can mend it.

    Commands print the message on one line, without a traceback. So the message names the mistake,
    its place and the next step. Every other error is a fault of the program and keeps its
    traceback.
    """


def is_user_error(error: BaseException) -> bool:
    """Returns whether a command tells an error in one line, without a traceback.

    True for a `UserError`, and for an `OSError` about a named file or a full disk.
    """
    if isinstance(error, OSError):
        return error.filename is not None or error.errno in _DISK_IS_FULL
    return isinstance(error, UserError)


def one_line(error: BaseException) -> str:
    """Returns the message of an error on one line; the name of its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
