"""Runs a command: prints one line for a user's mistake, a traceback for a fault of the program."""

import difflib
import functools
import logging
import re
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import absl.logging
from absl import app, flags
from tqdm import tqdm

from cartoon_tfds.errors import UserError, discard_output, is_user_error, one_line, print_any_name
from pix2pix_flax.cache import keep_compiled_programs
from pix2pix_flax.cli import config_files, usage

flags.DEFINE_bool("debug", False, "Print the full traceback of every error.")

_CONFIG_HINT = "\nWith --config=NAME, --help lists the values of that configuration too."


def run(
    main: Callable[[list[str]], int | None],
    *,
    required: Sequence[str] = (),
    words_flag: str | None = None,
) -> NoReturn:
    """Parses the flags, calls `main` and exits with the code that it returns, 0 for None.

    A mistake in the flags prints one line, with exit code 2. An error about the user's files or
    values prints one line, with exit code 1, or 4 if no checkpoint of a run can be used. Any other
    error is a fault of the program and prints its traceback. With `--debug` every error does.

    Args:
      main: takes a list with the program's name, as `absl.app.run` passes it.
      required: the flags that must be given.
      words_flag: the flag whose values the words without a flag are; None: there are no such words.
    """
    print_any_name()
    _log_to_terminal()
    keep_compiled_programs()
    parse = functools.partial(_parse, required=required, words_flag=words_flag)
    app.run(lambda argv: _call(main, argv), flags_parser=parse)


def run_module(module: types.ModuleType, rename: Callable[[str], str] = str) -> NoReturn:
    """Runs a command, as `run` does; `-h` and `--help` print its help, with exit code 0.

    Args:
      module: has `main`; `REQUIRED`, the names of the flags that must be given; and, if the command
        takes words without a flag, `WORDS_FLAG`, the name of the flag whose values they are.
      rename: changes the text of the help, so that its examples are as the user calls the command.
    """
    if {"-h", "--help"} & set(sys.argv[1:]):
        print_and_exit(rename("\n".join(_help(module))))
    words_flag = getattr(module, "WORDS_FLAG", None)
    run(module.main, required=module.REQUIRED, words_flag=words_flag)


def print_and_exit(text: str) -> NoReturn:
    """Prints a text for a user, who may read only a part of it, as `--help | head` does."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        discard_output()
    sys.exit(0)


def _help(module: types.ModuleType) -> Iterator[str]:
    yield usage.text(module)
    if "config" in flags.FLAGS:
        _parse([word for word in sys.argv if word not in ("-h", "--help")])
        config = flags.FLAGS["config"].value
        yield "\nValues of the configuration:" if config else _CONFIG_HINT
        yield from usage.values(config) if config else ()


class _AboveProgressBar(logging.Handler):
    """Prints records without breaking the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


def _log_to_terminal() -> None:
    """Shows the project's own log, and only warnings of libraries that use absl's log."""
    absl.logging.set_verbosity(absl.logging.WARNING)
    handler = _AboveProgressBar()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("pix2pix_flax")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _parse(
    argv: Sequence[str], *, required: Sequence[str] = (), words_flag: str | None = None
) -> list[str]:
    try:
        argv = config_files.resolve(argv)
        program, *words = flags.FLAGS(list(argv))
        words = _take_words(words_flag, words) if words_flag else words
        flags.mark_flags_as_required(required)  # Only now: a word may be a flag's value.
        flags.FLAGS.validate_all_flags()
        for name in flags.FLAGS:  # The first use of a config file raises its errors.
            getattr(flags.FLAGS[name].value, "items", None)
    except Exception as error:  # A config file may raise anything.
        if "--debug" in argv:
            raise
        _fail(_explain_flags(error, argv), code=2)
    if words:
        advice = "name the flag of each value, and put patterns in quotes"
        _fail(f"unexpected argument {words[0]!r}: {advice}", code=2)
    return [program]


def _take_words(name: str, words: Sequence[str]) -> Sequence[str]:
    """Makes words the values of a flag; returns those that are too many for it."""
    flag = flags.FLAGS[name]
    room = len(words) if isinstance(flag, flags.MultiFlag) else 1 - flag.present
    for word in words[:room]:
        flag.parse(word)
    return words[room:]


def _explain_flags(error: Exception, argv: Sequence[str]) -> str:
    missing = re.findall(r"Flag (--\w+) must have a value", str(error))
    if missing:
        return f"missing {', '.join(missing)}"
    if isinstance(error, flags.UnrecognizedFlagError):
        files = [word for word in argv[1:] if word.startswith("-") and Path(word).exists()]
        if files:
            return f"{files[0]} is taken for a flag: write ./{files[0]}"
        if error.flagname == "o" and "output" in flags.FLAGS:
            return "no flag has one letter: write --output=FILE"
        return _describe(error)
    if isinstance(error, AttributeError | KeyError):
        return _unknown_key(argv) or _describe(error)
    if "Traceback (most recent call last)" in str(error):  # ml_collections quotes a config's.
        last = str(error).strip().splitlines()[-1]
        return last.removeprefix(f"{UserError.__module__}.UserError: ")
    described = re.sub(
        r"invalid literal for int.*?: (.*)", r"\1 is no whole number", _describe(error)
    )
    return described.replace("could not convert string to float:", "no number:")


def _unknown_key(argv: Sequence[str]) -> str | None:
    """Returns a message with the first unknown key of a config and the nearest key, or None."""
    # absl takes both '--a=b' and '--a b'.
    words = [word for argument in argv for word in argument.split("=", 1)]
    for word in words:
        name, dot, key = word.lstrip("-").partition(".")
        if word.startswith("-") and dot and name in flags.FLAGS:
            path = next(after for flag, after in pairwise(words) if flag.lstrip("-") == name)
            keys = list(_leaves(flags.FLAGS[name].parser.parse(path)))
            if key == "help":
                return f"--{name}.help is no value: --help lists the values of a configuration"
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
        if flags.FLAGS.debug or not is_user_error(error):
            raise
        _fail(_describe(error), code=getattr(error, "exit_code", 1))


def _describe(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.__cause__ is not None:
        return _describe(error.__cause__)
    return one_line(error)


def _fail(text: str, code: int) -> NoReturn:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
    sys.exit(code)
