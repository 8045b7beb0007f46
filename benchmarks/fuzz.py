"""Reads thousands of damaged files of every kind, and counts how that ends.

    make fuzz
    python -m benchmarks.fuzz --count=1000 --seed=1 --only=PNG,mp4 --keep=FOLDER

A file is a valid one with a few seeded mutations. It is read in another process, which has
20 seconds. A good end is that it is read, or refused by an error for the user; a traceback, a crash
and a hang are faults, and their files are kept.
"""

import collections
from pathlib import Path

from absl import app, flags

from benchmarks.fuzz_reader import BAD, GOOD, fuzz
from benchmarks.fuzz_subjects import SUBJECTS

_COUNT = flags.DEFINE_integer("count", 100, "Files of each quick kind.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the mutations.")
_ONLY = flags.DEFINE_list("only", list(SUBJECTS), f"Kinds: {', '.join(SUBJECTS)}.")
_KEEP = flags.DEFINE_string("keep", None, "Folder for the files that end badly.")


def main(argv: list[str]) -> int:
    """Prints a row for each kind; returns 1 if a file ended badly."""
    del argv
    keep, total = _KEEP.value and Path(_KEEP.value), collections.Counter()
    print(f"{'kind':12}{'files':>7}", *(f"{end:>9}" for end in GOOD + BAD), f"{'longest':>9}")
    for name, ends, longest in fuzz(_ONLY.value, _COUNT.value, _SEED.value, keep):
        counts = (f"{ends[end]:9}" for end in GOOD + BAD)
        print(f"{name:12}{ends.total():7}", *counts, f"{longest:7.1f} s", flush=True)
        total += ends
    counts = (f"{total[end]:9}" for end in GOOD + BAD)
    print(f"{'all':12}{total.total():7}", *counts)
    return int(any(total[end] for end in BAD))


if __name__ == "__main__":
    app.run(main)
