"""How time and memory grow: with records, photographs, the side of an image, the batch, frames.

    python -m benchmarks.growth --plot=docs/growth.png
    python -m benchmarks.growth --only=photographs --largest=10000

records: what a training reads before its first step. photographs: the build of a dataset. side,
batch: a training step of the smallest network. frames: a video from file to file.

Each row is a process of its own. Its seconds are those of all cores together, in which other
programs do not count; its memory is what it needs more than before the work, or for a training step
what XLA reserves beside the state. The exponent is that of a power of the size through the two
largest rows: 1 is linear, 0 constant.
"""

import concurrent.futures
import math
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
from absl import app, flags
from matplotlib.ticker import NullFormatter

from benchmarks.growth_subjects import SUBJECTS

_ONLY = flags.DEFINE_list("only", list(SUBJECTS), f"Kinds: {', '.join(SUBJECTS)}.")
_LARGEST = flags.DEFINE_integer("largest", None, "Leaves out larger sizes.", lower_bound=1)
_PLOT = flags.DEFINE_string("plot", None, "PNG file of the plot.")


class Row(NamedTuple):
    """The time and the memory that one size of a kind needs."""

    size: int
    seconds: float
    megabytes: float


def measure(kind: str, size: int) -> Row:
    """Returns the row of one size; called in a new process."""
    prepare, _ = SUBJECTS[kind]
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        prepared = prepare(size, Path(folder))
        work, num_bytes = prepared if isinstance(prepared, tuple) else (prepared, None)
        peak, begin = _peak(), time.process_time()
        work()
        seconds = time.process_time() - begin
        used = _peak() - peak if num_bytes is None else num_bytes / 2**20
    return Row(size, seconds, used)


def _peak() -> float:
    """Returns the most memory that this process has had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def exponent(rows: Sequence[Row], place: int) -> float:
    """Returns the growth of a column between the two largest sizes, as a power of the size."""
    one, other = rows[-2:]
    ratio = max(other[place], 1e-9) / max(one[place], 1e-9)
    return math.log(ratio) / math.log(other.size / one.size)


def plot(found: dict[str, list[Row]], path: str) -> None:
    """Draws seconds and megabytes of each kind over its sizes."""
    figure, axes = plt.subplots(2, len(found), figsize=(2.6 * len(found), 4.4), squeeze=False)
    for column, (kind, rows) in zip(axes.T, found.items(), strict=True):
        sizes = [row.size for row in rows]
        for axis, place in zip(column, (1, 2), strict=True):
            values = [row[place] for row in rows]
            axis.loglog(sizes, values, "o-")
            linear = [values[-1] * size / sizes[-1] for size in sizes]
            axis.loglog(sizes, linear, ":", color="grey")
            axis.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize="small")
            for minor in (axis.xaxis, axis.yaxis):
                minor.set_minor_formatter(NullFormatter())
            axis.margins(x=0.15)
            axis.grid(alpha=0.3)
        column[1].set_xlabel(kind)
    axes[0, 0].set_ylabel("processor seconds")
    axes[1, 0].set_ylabel("megabytes")
    figure.suptitle("The dotted lines are linear", fontsize="medium")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main(argv: Sequence[str]) -> None:
    """Measures, prints the table and draws the plot."""
    del argv
    found = {}
    with concurrent.futures.ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        for kind in _ONLY.value:
            found[kind] = []
            for size in SUBJECTS[kind][1]:
                if _LARGEST.value is None or size <= _LARGEST.value:
                    found[kind].append(pool.submit(measure, kind, size).result())
                    _, seconds, used = found[kind][-1]
                    print(f"{kind:12}{size:>9,}{seconds:10.3f} s{used:9.1f} MB", flush=True)
            if len(found[kind]) > 1:
                time_grows, memory_grows = (exponent(found[kind], place) for place in (1, 2))
                print(f"{kind:12} exponents {time_grows:11.2f}{memory_grows:11.2f}", flush=True)
    if _PLOT.value:
        plot(found, _PLOT.value)


if __name__ == "__main__":
    app.run(main)
