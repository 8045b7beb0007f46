"""The text of `--help`: the description of a command, an example, and its flags."""

import textwrap
import types
from collections.abc import Iterator
from typing import Any

from absl import flags

_WIDTH = 88  # columns of the text


def text(module: types.ModuleType) -> str:
    """Returns the help of a command.

    Args:
      module: its docstring begins with what the command does and an example; `REQUIRED` names the
        flags that must be given.
    """
    required = module.REQUIRED
    known = flags.FLAGS.get_key_flags_for_module(module)
    known = sorted(known, key=lambda flag: (flag.name not in required, flag.name))
    lines = [module.__doc__.strip(), "", "Flags:"]
    for flag in known:
        lines += _describe(flag, flag.name in required)
    return "\n".join(lines)


def values(config: Any, prefix: str = "--config.") -> Iterator[str]:
    """Yields the values of a configuration as flags, one line each."""
    for key, value in config.items():
        if hasattr(value, "items"):
            yield from values(value, f"{prefix}{key}.")
        else:
            yield f"  {prefix}{key}={value!r}"


def _describe(flag: flags.Flag, is_required: bool) -> Iterator[str]:
    yield f"  --{flag.name}" + (" (required)" if is_required else "")
    words = " ".join(flag.help.split())
    if flag.default not in (None, False, []):
        words += f" Default: {flag.default}."
    yield textwrap.indent(textwrap.fill(words, _WIDTH - 6), " " * 6)
