"""Errors about the user's files, flags and values, which commands tell in one line."""


class UserError(ValueError):
    """A mistake in a file, a flag or a value of the user, who can mend it.

    Commands print the message on one line, without a traceback. So the message names the mistake,
    its place and the next step. Every other error is a fault of the program and keeps its
    traceback.
    """


def one_line(error: BaseException) -> str:
    """Returns the message of an error on one line; the name of its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
