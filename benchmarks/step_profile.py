"""Shows on which kinds of work a CPU spends a training step.

    GLIBC_TUNABLES=glibc.malloc.hugetlb=1 python -m benchmarks.step_profile --config=paper

The flags are those of the training; it reads no dataset. Each operation of the compiled step counts
as a convolution, as a product of matrices, or as other work, in milliseconds of a step; the slowest
operations have a line each. XLA counts the multiplications and additions, those of a loop once.
"""

import collections
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
from absl import flags
from ml_collections import config_flags

from benchmarks import step_program
from pix2pix_flax.cli import command

_CONFIG = config_flags.DEFINE_config_file("config", None, "Configuration file.")
_STEPS = flags.DEFINE_integer("steps", 4, "Steps that are profiled.", lower_bound=1)
_LINES = flags.DEFINE_integer("lines", 12, "Operations that have a line each.", lower_bound=0)

_WARM_UP = 2  # steps: the first touch of the memory
_COMPUTATION = re.compile(r"^%?([\w.\-]+) \([^\n]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_INSTRUCTION = re.compile(
    r"^ +(?:ROOT )?%?(?P<name>[\w.\-]+) = (?P<type>\([^()]*\)|\S+) (?P<operation>[\w\-]+)\("
    r"(?P<rest>.*)$",
    re.MULTILINE,
)
_KINDS = {" convolution(": "convolutions", " dot(": "products"}


def described(text: str) -> dict[str, tuple[str, str]]:
    """Returns the kind of each operation, and its place in the networks, by its name in the HLO.

    Args:
      text: the text of the optimized HLO.
    """
    bodies = dict(_COMPUTATION.findall(text))
    found = {}
    for instruction in _INSTRUCTION.finditer(text):
        line = instruction.group()
        called = re.search(r"calls=%?([\w.\-]+)", line)
        words = line + (bodies.get(called[1], "") if called else "")
        kind = next((kind for word, kind in _KINDS.items() if word in words), "other")
        place = re.search(r'op_name="([^"]*)"', line)
        shape = instruction["type"].partition("{")[0]
        found[instruction["name"]] = kind, f"{shape} {place[1] if place else ''}"
    return found


def profiled(step: Callable[[], None]) -> Iterator[tuple[str, float]]:
    """Yields the names of the operations of a step and their milliseconds in one step."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(_STEPS.value):
                step()
        (file,) = Path(folder).rglob("*.xplane.pb")
        profile = jax.profiler.ProfileData.from_file(str(file))
        lines = (line for plane in profile.planes for line in plane.lines)
        for event in (event for line in lines for event in line.events):
            name = dict(event.stats).get("hlo_op")
            if name:
                yield name, event.duration_ns / 1e6 / _STEPS.value


def main(argv: list[str]) -> None:
    """Prints the milliseconds of each kind of work and of the slowest operations."""
    del argv
    jax.config.update("jax_platforms", "cpu")
    compiled = step_program.lower(_CONFIG.value, jax.devices()[:1]).compile()
    step = step_program.steps(_CONFIG.value, compiled)
    for _ in range(_WARM_UP):
        step()
    start = time.perf_counter()
    for _ in range(_STEPS.value):
        step()
    seconds = (time.perf_counter() - start) / _STEPS.value
    spent, of_kind = collections.Counter(), collections.Counter()
    operations = described(compiled.as_text())
    for name, milliseconds in profiled(step):
        spent[name] += milliseconds
        of_kind[operations[name][0]] += milliseconds
    flops = compiled.cost_analysis()["flops"]
    fast = (of_kind["convolutions"] + of_kind["products"]) / 1e3
    print(f"{1e3 * seconds:.0f} ms a step, at least {flops / 1e9:.1f} GFLOP")
    print(", ".join(f"{kind} {value:.0f} ms" for kind, value in of_kind.most_common()))
    print(f"at least {flops / fast / 1e9:.0f} GFLOP/s in convolutions and products")
    for name, milliseconds in spent.most_common(_LINES.value):
        kind, place = operations[name]
        print(f"{milliseconds:7.1f} ms  {kind:12}  {name}  {place}")


if __name__ == "__main__":
    command.run(main)
