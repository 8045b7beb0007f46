"""What every command shares: one clear line for a user's mistake, a traceback for ours."""

import difflib
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NoReturn

import absl.logging
from absl import app, flags
from tqdm import tqdm

flags.DEFINE_bool("debug", False, "Print the whole traceback of an error.")

_OWN_PACKAGES = ("pix2pix_flax", "cartoon_tfds", "configs", "__main__")


def run(main: Callable[[list[str]], int | None]) -> NoReturn:
    """Parses the flags, calls `main` and exits with what it returns, 0 for None.

    A mistake in the flags is one line and exit code 2. An error about the user's files or values
    is one line and exit code 1; anything else is a fault of the program and shows its traceback, as
    everything does with `--debug`.

    Args:
      main: Takes the program's name as a list of one, as `absl.app.run` passes it.
    """
    _log_to_terminal()
    app.run(lambda argv: _call(main, argv), flags_parser=_parse)


class _AboveProgressBar(logging.Handler):
    """Prints records without breaking the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


def _log_to_terminal() -> None:
    """Shows the project's own log; of the libraries only warnings."""
    absl.logging.set_verbosity(absl.logging.WARNING)
    handler = _AboveProgressBar()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("pix2pix_flax")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _parse(argv: Sequence[str]) -> list[str]:
    try:
        rest = flags.FLAGS(list(argv))
        for name in flags.FLAGS:  # A config file that cannot be loaded says so at its first use.
            getattr(flags.FLAGS[name].value, "items", None)
    except Exception as error:  # A config file may raise anything.
        if "--debug" in argv:
            raise
        _fail(_explain_flags(error, argv), code=2)
    if len(rest) > 1:
        advice = "name each with its flag, and put patterns in quotes"
        _fail(f"unexpected argument {rest[1]!r}: {advice}", code=2)
    return rest


def _explain_flags(error: Exception, argv: Sequence[str]) -> str:
    missing = re.findall(r"Flag (--\w+) must have a value", str(error))
    if missing:
        return f"missing {', '.join(missing)}"
    if isinstance(error, AttributeError | KeyError):
        return _unknown_key(argv) or _describe(error)
    if "Traceback (most recent call last)" in str(error):  # How ml_collections tells of a config's.
        return str(error).strip().splitlines()[-1]
    return _describe(error)


def _unknown_key(argv: Sequence[str]) -> str | None:
    """Names the first override of a config that it has no key for, and the nearest that it has."""
    # 'a=b' and 'a b' are the same to absl.
    words = [word for argument in argv for word in argument.split("=", 1)]
    for word in words:
        name, dot, key = word.lstrip("-").partition(".")
        if word.startswith("-") and dot and name in flags.FLAGS:
            path = next(after for flag, after in pairwise(words) if flag.lstrip("-") == name)
            keys = list(_leaves(flags.FLAGS[name].parser.parse(path)))
            if key.partition("[")[0] not in keys:
                (nearest,) = difflib.get_close_matches(key, keys, n=1, cutoff=0)
                return f"unknown --{name}.{key}: the nearest is --{name}.{nearest}"
    return None


def _leaves(config: Any, prefix: str = "") -> Iterator[str]:
    """Yields the dotted names of a config's values."""
    for key, value in config.items():
        yield prefix + key
        if hasattr(value, "items"):
            yield from _leaves(value, f"{prefix}{key}.")


def _call(main: Callable[[list[str]], int | None], argv: list[str]) -> int | None:
    try:
        return main(argv)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if flags.FLAGS.debug or not _is_about_input(error):
            raise
        _fail(_describe(error), code=1)


def _is_about_input(error: Exception) -> bool:
    """Whether an error speaks of the user's input: of its files, or raised on purpose by our code.

    A ValueError that comes out of a library is most likely our fault: it keeps its traceback.
    """
    if isinstance(error, OSError):
        return error.filename is not None
    if not isinstance(error, ValueError) or error.__traceback__ is None:
        return False
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    raiser = trace.tb_frame.f_globals.get("__name__", "")
    return raiser.partition(".")[0] in _OWN_PACKAGES


def _describe(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.__cause__ is not None:
        return _describe(error.__cause__)
    return str(error) or type(error).__name__


def _fail(text: str, code: int) -> NoReturn:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
    sys.exit(code)
