"""Huge pages for the memory of a training on a CPU."""

import contextlib
import os
import sys
from pathlib import Path

_SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_VARIABLE = "GLIBC_TUNABLES"


def use_huge_pages(setting: Path = _SETTING) -> None:
    """Starts the program once more, with huge pages, if Linux gives them to those who ask.

    XLA takes the memory of a training step anew for each step on a CPU. In pages of 4 kB, Linux
    clears hundreds of thousands of them each time: a tenth of the step or more
    (benchmarks/RESULTS.md). Only the GNU C library can ask for all of this memory, and only an
    environment variable at the start of the program makes it ask. The process stays the same, and
    so do its arguments. Call this before JAX is imported; afterwards it does nothing.

    Args:
      setting: the file with Linux's setting.
    """
    if "jax" in sys.modules or _VARIABLE in os.environ:
        return
    with contextlib.suppress(OSError):  # no such file: not Linux, or it has no huge pages
        if "[madvise]" in setting.read_text(encoding="utf-8"):
            os.environ[_VARIABLE] = "glibc.malloc.hugetlb=1"
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
