"""Interrupts a training again and again, and compares its end with that of an undisturbed one.

    python -m benchmarks.soak --minutes=60

Each interruption comes at a random time after the training has locked its folder: kill -9, SIGTERM,
SIGTERM twice, SIGINT, or a full disk (no file can grow beyond a few kilobytes). Then the same
command starts again, until all steps are done; then the next run begins. At the end of each run the
arrays of the last step and the scores of all evaluations must equal those of an undisturbed run,
bit for bit, and each exit code must be the expected one. The exit code is 1 if anything differs.

With --processes=2 each training has two hosts on this machine. One of them, drawn by chance, is
interrupted: both must end, and the same command goes on.
"""

import collections
import dataclasses
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
from absl import app, flags

from benchmarks.hosts import environments
from pix2pix_flax.checkpoint.arrays import described, restore_arrays
from pix2pix_flax.report.scalars import read_scalars

_MINUTES = flags.DEFINE_float("minutes", 60, "Time to spend; one run at least is finished.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the interruptions.")
_PROCESSES = flags.DEFINE_integer("processes", 1, "Hosts of each training.", lower_bound=1)
_INTERRUPTIONS = flags.DEFINE_integer("interruptions", 25, "Of each run, at most.", lower_bound=0)
_STEPS = flags.DEFINE_integer("steps", 300, "Steps of each run.", lower_bound=1)

KINDS = {
    "kill -9": {-signal.SIGKILL},
    "SIGTERM": {143},
    "SIGTERM twice": {143},
    "SIGINT": {130},
    "full disk": {1},
}
"""The interruptions, and the exit codes that they must have; 0 too if the run ends before."""

_KINDS = flags.DEFINE_multi_enum("kinds", list(KINDS), list(KINDS), "Interruptions to draw from.")

_HOSTS = {1, -signal.SIGABRT, -signal.SIGTERM, -signal.SIGINT}
"""Further exit codes of several hosts: the others end by an error, or JAX aborts them; and a host
that starts late does not handle signals yet."""

_DONE = "Done. Best step"
_AFTERWARDS = {-signal.SIGTERM, -signal.SIGINT}
"""Exit codes of a signal that comes after the last line of a finished training."""


@dataclasses.dataclass
class Count:
    """The interruptions of one kind: their exit codes, and the steps that had to be taken again."""

    codes: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    lost: int = 0
    tracebacks: int = 0


def soak(
    command: Sequence[str],
    workdir: Path,
    kinds: Sequence[str],
    longest: float,
    draw: random.Random,
    processes: int = 1,
) -> dict[str, Count]:
    """Runs a training to its end in spite of interruptions.

    Args:
      command: the command of the training, without its work directory.
      workdir: the work directory, new.
      kinds: names in `KINDS`, in the order of the interruptions.
      longest: seconds between the lock and the interruption, at most.
      draw: the source of the times, and of the host that is interrupted.
      processes: the number of hosts.

    Returns:
      The counts by kind, and those of the starts that were not interrupted as `none`.

    Raises:
      RuntimeError: for another exit code than the expected ones.
    """
    counts: dict[str, Count] = collections.defaultdict(Count)
    for kind in (*kinds, "none"):
        start = newest(workdir)
        hosts = _start([*command, f"--workdir={workdir}"], processes)
        if kind != "none":
            _wait_for_lock(hosts[0], workdir)
            time.sleep(draw.uniform(0, longest))
            _interrupt(draw.choice(hosts), kind, draw)
        errors = "".join(host.communicate()[1] for host in hosts)
        count, codes = counts[kind], [host.returncode for host in hosts]
        count.codes.update(codes)
        count.tracebacks += errors.count("Traceback")
        if "Traceback" in errors:
            print(f"{kind}, exit codes {codes}:\n{errors}", file=sys.stderr, flush=True)
        count.lost += max(0, _last_shown(errors) - newest(workdir))
        further = _HOSTS if processes > 1 and kind != "none" else set()
        afterwards = _AFTERWARDS if _DONE in errors else set()
        allowed = {0} | KINDS.get(kind, set()) | further | afterwards
        if set(codes) - allowed or newest(workdir) < start:
            raise RuntimeError(f"{kind}: exit codes {codes}, step {newest(workdir)}: {errors}")
        if not any(codes):
            break
    return counts


def _start(command: Sequence[str], count: int) -> list[subprocess.Popen]:
    """Starts the hosts of a training."""
    distributed = ["--config.distributed=True"] if count > 1 else []
    return [
        subprocess.Popen(
            [*command, *distributed], env=environment, stderr=subprocess.PIPE, text=True
        )
        for environment in environments(count)
    ]


def _wait_for_lock(process: subprocess.Popen, workdir: Path) -> None:
    lock = workdir / "lock"
    while not (lock.exists() and f"process {process.pid} " in lock.read_text()):
        if process.poll() is not None:
            raise RuntimeError(f"The training has not begun: {process.stderr.read()}")
        time.sleep(0.02)


def _interrupt(process: subprocess.Popen, kind: str, draw: random.Random) -> None:
    if process.poll() is not None:
        return
    if kind == "full disk":
        limit = draw.randrange(20_000)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        return
    numbers = {"kill -9": signal.SIGKILL, "SIGINT": signal.SIGINT}
    process.send_signal(numbers.get(kind, signal.SIGTERM))
    if kind == "SIGTERM twice":
        time.sleep(draw.uniform(0, 0.2))
        process.send_signal(signal.SIGTERM)


def newest(workdir: Path) -> int:
    """Returns the newest step of a run, 0 if there is none."""
    folder = workdir / "checkpoints"
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    return max((int(name) for name in names if name.isdigit()), default=0)


def _last_shown(errors: str) -> int:
    """Returns the last step in the log of a training."""
    words = [line.split() for line in errors.splitlines() if " Step " in line]
    return int(words[-1][2].strip(":")) if words else 0


def arrays(workdir: Path) -> dict[str, np.ndarray]:
    """Returns the arrays of the newest step by their paths."""
    step = workdir / "checkpoints" / str(newest(workdir))
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), described(step)
    )
    found = jax.tree_util.tree_leaves_with_path(restore_arrays(step, shapes))
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in found}


def scores(workdir: Path) -> dict[int, dict[str, float]]:
    """Returns the scores of all evaluations by step."""
    found: dict[int, dict[str, float]] = collections.defaultdict(dict)
    for name, steps, values in read_scalars(workdir):
        if name.startswith("validation/"):
            for step, value in zip(steps, values, strict=True):
                found[step][name] = value
    return found


def differences(workdir: Path, undisturbed: Path) -> list[str]:
    """Returns a line for each array and each evaluation that differs between two finished runs."""
    one, other = arrays(workdir), arrays(undisturbed)
    lines = [
        f"array {name}"
        for name in sorted(one.keys() | other.keys())
        if name not in one or name not in other or not np.array_equal(one[name], other[name])
    ]
    one, other = scores(workdir), scores(undisturbed)
    steps = sorted(one.keys() | other.keys())
    lines += [f"scores of step {step}" for step in steps if one.get(step) != other.get(step)]
    lines += [f"{path.name} was set aside" for path in workdir.glob("checkpoints/*.damaged-*")]
    return lines + [f"{path.name} is left over" for path in workdir.glob("checkpoints/*tmp*")]


def _report(counts: dict[str, Count], starts: float) -> None:
    print(
        f"\n{'interruption':16}{'times':>6}  {'exit codes':28}{'steps lost':>11}{'tracebacks':>12}"
    )
    for kind, count in counts.items():
        codes = ", ".join(f"{code} x{times}" for code, times in sorted(count.codes.items()))
        print(f"{kind:16}{count.codes.total():6}  {codes:28}{count.lost:11}{count.tracebacks:12}")
    print(f"{starts:.0f} minutes", flush=True)


def main(argv: Sequence[str]) -> None:
    """Makes a small dataset, then interrupts trainings on it until the time is over."""
    del argv
    begin, draw = time.monotonic(), random.Random(_SEED.value)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    views = ["--name=soak", "--views_per_photo=4", "--view_size=64"]
    build = ["-m", "cartoon_tfds", "--config=sample", *views, f"--data_dir={folder}"]
    subprocess.run([sys.executable, *build], check=True)
    command = [
        *(sys.executable, "-m", "pix2pix_flax.main", "--config=configs/default.py:smoke"),
        *("--config.data.name=cartoon_tfds/soak", f"--config.data.data_dir={folder}"),
        *(f"--config.train.steps={_STEPS.value}", "--config.train.eval_every_steps=5"),
    ]
    undisturbed, totals, is_equal = folder / "undisturbed", collections.defaultdict(Count), True
    start, number = time.monotonic(), 0
    soak(command, undisturbed, [], 0, draw, _PROCESSES.value)
    longest = (time.monotonic() - start) / 2  # so that starts, steps and saves are met
    while not number or time.monotonic() - begin < 60 * _MINUTES.value:
        number += 1
        workdir = folder / str(number)
        kinds = draw.choices(_KINDS.value, k=_INTERRUPTIONS.value)
        for kind, count in soak(command, workdir, kinds, longest, draw, _PROCESSES.value).items():
            totals[kind].codes += count.codes
            totals[kind].lost += count.lost
            totals[kind].tracebacks += count.tracebacks
        found = differences(workdir, undisturbed)
        is_equal &= not found
        print(f"run {number}: {', '.join(found) or 'equal to the undisturbed run'}", flush=True)
    _report(totals, (time.monotonic() - begin) / 60)
    if not is_equal:
        sys.exit(f"The runs lie in {folder}.")
    shutil.rmtree(folder)


if __name__ == "__main__":
    app.run(main)
