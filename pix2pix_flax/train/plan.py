"""The plan of a training: its sizes, memory and time, measured over a few steps.

The trainer is the one of the training, and works in a temporary folder.
"""

import math
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import jax

from pix2pix_flax import ranges
from pix2pix_flax.checkpoint.manager import Restored, find_checkpoint, read_metrics, restore_latest
from pix2pix_flax.data.pipeline import EvalBatch
from pix2pix_flax.data.source import open_builder, open_source
from pix2pix_flax.sharding import put_whole_batch
from pix2pix_flax.steps.optimizers import make_schedule
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.train.meter import duration
from pix2pix_flax.train.schedule import UNITS
from pix2pix_flax.train.trainer import Trainer

_STEPS = 3  # that are measured, after one that is not
_LONG = 24 * 3600  # seconds of a training that a CPU is too slow for

Rows = Iterator[tuple[str, str]]


class _ReadOnly:
    """The checkpoints of a run, which stay unchanged."""

    def __init__(self, workdir: Path):
        self.workdir = workdir

    def restore(self, target: TrainState) -> Restored | None:
        """Returns the newest undamaged checkpoint, or None."""
        return restore_latest(self.workdir, target)

    def metrics(self, step: int) -> dict[str, float]:
        """Returns the scores of a step."""
        return read_metrics(find_checkpoint(self.workdir).with_name(str(step)))

    def close(self) -> None:
        """Does nothing: no save is under way."""


def make_plan(config, workdir: Path, *, fresh: bool = False) -> str:
    """Returns the plan of a training as text: a name and a value in each line.

    A few steps and the evaluation of one batch are taken on the real devices, so it needs as much
    time and memory as they do. The work directory stays unchanged.

    Args:
      config: the configuration, as for `train`.
      workdir: the work directory; it need not exist.
      fresh: whether to plan a training from step 0, whatever the work directory holds.

    Raises:
      UserError: as `train` does before its first step.
    """
    ranges.check(config)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        trainer = Trainer(config, scratch, _ReadOnly(scratch if fresh else workdir))
        try:
            rows = [*_size_rows(trainer, workdir), *_measured_rows(trainer)]
        finally:
            trainer.close()
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows)


def _size_rows(trainer: Trainer, workdir: Path) -> Rows:
    config, first, total = trainer.config, trainer.first, trainer.total_steps
    goes_on = f", goes on from step {first:,}" if first else ""
    yield "training", f"{config.task} in {workdir}{goes_on}"
    yield "devices", f"{trainer.mesh.size} of kind {trainer.mesh.devices.flat[0].device_kind}"
    for name, net in trainer.state.nets.items():
        yield f"network {name}", f"{net.size:,} parameters"
    yield from _dataset_rows(config)
    epochs = trainer.epochs.at(total)
    yield "schedule", f"{total:,} steps of {trainer.batch_size} examples, {epochs:.4g} epochs"
    counted = f"{_evaluations(trainer)} of {_scored(config)} examples"
    yield "evaluations", f"{counted}, {_how_often(config.train)}, with a checkpoint each"
    first_rate, last_rate = _rates(config, total)
    yield "learning rate", f"{first_rate:.3g} at the first step, {last_rate:.3g} at the last"
    size, keep = _num_bytes(trainer.state), config.train.keep_checkpoints
    most = _text((keep + 1) * size)
    yield "checkpoint", f"{_text(size)}; the last {keep} and the best one stay, {most} at most"


def _dataset_rows(config) -> Rows:
    data = config.data
    info = open_builder(data.name, data.data_dir).info
    yield "dataset", f"{info.full_name} in {info.data_dir}"
    sizes = [f"{name} {split.num_examples:,}" for name, split in info.splits.items()]
    yield "splits", f"{', '.join(sizes)} examples"
    used = {"training": data.train_split, "validation": data.validation_split}
    parts = [f"{split} ({_length(config, split):,}) for {use}" for use, split in used.items()]
    yield "splits read", ", ".join(parts)
    roles = dict(zip(data.features, ("input", "target"), strict=False))
    roles = roles if len(roles) > 1 else {data.features[0]: "input and target"}
    yield "features", ", ".join(f"{name} ({role})" for name, role in roles.items())


def _length(config, split: str) -> int:
    return len(open_source(config.data.name, split, config.data.data_dir))


def _scored(config) -> int:
    """Returns the number of examples of an evaluation."""
    limit, length = config.train.eval_examples, _length(config, config.data.validation_split)
    return min(limit, length) if limit > 0 else length


def _evaluations(trainer: Trainer) -> int:
    """Returns the number of evaluations that are left, without those that are due by the clock."""
    last = trainer.total_steps
    at_the_end = last > trainer.first
    return trainer.every["eval"].moments(trainer.first, last - 1) + at_the_end


def _how_often(train) -> str:
    """Returns the schedule of the evaluations: `every 10 epochs and at the end`."""
    every = {unit: train[f"eval_every_{unit}"] for unit in UNITS}
    parts = [f"every {value:,g} {unit}" for unit, value in every.items() if value]
    return " and ".join([*parts, "at the end"])


def _rates(config, total_steps: int) -> tuple[float, float]:
    """Returns the learning rates of the first and of the last optimizer step."""
    steps = total_steps // config.optimizer.accumulate_steps
    rate = make_schedule(config.optimizer, steps)
    return float(rate(0)), float(rate(max(0, steps - 1)))


def _measured_rows(trainer: Trainer) -> Rows:
    """Yields memory and time, after taking steps."""
    start = time.perf_counter()
    batch = jax.block_until_ready(trainer.put(next(trainer.iterator)))
    read = time.perf_counter() - start
    shapes = ", ".join(f"{name} {x.dtype} {list(x.shape)}" for name, x in batch.items())
    yield "batch", f"{shapes}, read in {read:.3f} s"
    step_seconds = _step_seconds(trainer)
    evaluation_seconds = _evaluation_seconds(trainer)
    yield from _memory_rows(trainer)
    yield "compilation", f"{trainer.compile_seconds:.1f} s, of the step"
    yield "step", f"{step_seconds:.3g} s, the mean of {_STEPS}"
    yield "evaluation", f"{evaluation_seconds:.3g} s, computed from one batch"
    steps = max(0, trainer.total_steps - trainer.first)
    seconds = steps * step_seconds + _evaluations(trainer) * evaluation_seconds
    seconds += trainer.compile_seconds
    hours = f"{seconds / 3600:.3g}" if seconds < 3.6e6 else f"{seconds / 3600:,.0f}"
    yield "whole training", f"{hours} h ({duration(seconds)}) for {steps:,} steps"
    if seconds > _LONG and jax.default_backend() == "cpu":
        yield (
            "advice",
            "without a GPU, --config=demo takes minutes, and --config=lite an hour",
        )


def _step_seconds(trainer: Trainer) -> float:
    """Returns the mean seconds of a training step, with the reading of its batch."""
    for number in range(_STEPS + 1):
        if number == 1:  # the first step is slower
            start = time.perf_counter()
        batch = trainer.put(next(trainer.iterator))
        trainer.state, metrics = trainer.train_step(trainer.state, batch, trainer.frozen)
        jax.block_until_ready(metrics)
    return (time.perf_counter() - start) / _STEPS


def _evaluation_seconds(trainer: Trainer) -> float:
    """Returns the seconds of one evaluation, computed from one batch."""
    batches = trainer.validation.batches(limit=2 * trainer.batch_size)
    first = next(batches)
    _evaluate(trainer, first)  # compiles
    start = time.perf_counter()
    _evaluate(trainer, next(batches, first))
    seconds = time.perf_counter() - start
    return seconds * math.ceil(_scored(trainer.config) / trainer.batch_size)


def _evaluate(trainer: Trainer, batch: EvalBatch) -> None:
    images = put_whole_batch(batch.images, trainer.mesh)
    jax.block_until_ready(trainer.validation.eval_step(trainer.state, images, trainer.frozen))


def _memory_rows(trainer: Trainer) -> Rows:
    """Yields the memory that XLA plans for a step, and the memory that was used.

    On CPUs a process needs more than XLA plans: for the compiler, and for copies of images that the
    kernels of convolutions make.
    """
    planned = trainer.train_step.memory_analysis()
    if planned is not None:  # not every backend knows it
        parts = {
            "arguments": planned.argument_size_in_bytes,
            "temporaries": planned.temp_size_in_bytes,
            "other outputs": planned.output_size_in_bytes - planned.alias_size_in_bytes,
        }
        total, each = _text(sum(parts.values())), [f"{n} {_text(v)}" for n, v in parts.items()]
        yield "memory of a step", f"{total} on each device, planned by XLA: {', '.join(each)}"
    stats = trainer.mesh.devices.flat[0].memory_stats() or {}
    if "peak_bytes_in_use" in stats:
        yield "memory of a device", f"{_text(stats['peak_bytes_in_use'])} at most, measured"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
    yield "memory of the process", f"{_text(peak)} at most, measured"


def _num_bytes(state: TrainState) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(state))


def _text(num_bytes: float) -> str:
    """Returns a size in words: `0.26 MB`, `64 MB`, `1.68 GB`."""
    if num_bytes >= 1e9:
        return f"{num_bytes / 1e9:.2f} GB"
    return f"{num_bytes / 1e6:.{0 if num_bytes >= 1e7 else 2}f} MB"
