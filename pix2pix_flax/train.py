"""The only training loop: what is learned is the task's affair, when is this file's."""

import functools
import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from pix2pix_flax.checkpoints import Checkpoints
from pix2pix_flax.data.pipeline import eval_batches, make_train_iterator
from pix2pix_flax.data.source import DatasetError, fingerprint, open_source
from pix2pix_flax.evaluate import evaluate
from pix2pix_flax.meter import Meter, check_finite
from pix2pix_flax.sharding import make_mesh, put_batch, replicated
from pix2pix_flax.stop import StopRequest, locked
from pix2pix_flax.tasks import make_task
from pix2pix_flax.train_state import PyTree, TrainState
from pix2pix_flax.writers import Writer

_log = logging.getLogger(__name__)

_UNOPTIMIZED = {"xla_backend_optimization_level": 0}


def train(config, workdir: Path) -> int:
    """Trains until all steps are done or a signal comes; the same call goes on where it ended.

    Args:
      config: as made by a file in configs/.
      workdir: where checkpoints and logs lie.

    Returns:
      The process's exit code: 0, or 128 + the signal's number.

    Raises:
      ValueError: one of the project's own, with a message for the user.
    """
    _check(config.train)
    workdir.mkdir(parents=True, exist_ok=True)
    with locked(workdir), StopRequest() as stop:
        trainer = Trainer(config, workdir)
        try:
            trainer.run(stop)
        finally:
            trainer.close()
        return stop.exit_code


class Trainer:
    """One run: its state, and everything that is done every so many steps."""

    def __init__(self, config, workdir: Path):
        self.config = config
        self.batch_size = config.train.batch_size
        self.mesh = make_mesh(self.batch_size)
        self.total_steps = _total_steps(config)
        self.task = make_task(config, self.total_steps)
        self.iterator = make_train_iterator(
            config.data,
            batch_size=self.batch_size,
            seed=config.seed,
            shard=(jax.process_index(), jax.process_count()),
        )
        self.eval_batches = functools.partial(
            eval_batches,
            config.data,
            split=config.data.validation_split,
            batch_size=self.batch_size,
        )
        self.checkpoints = Checkpoints(
            workdir,
            keep=config.train.keep_checkpoints,
            best_metric=config.train.best_metric,
            best_is=config.train.best_is,
        )
        self.frozen = jax.device_put(self.task.load_frozen(), replicated(self.mesh))
        self.state, example = self._start()
        self._check_best_metric()
        self.writer = Writer(workdir, int(self.state.step))
        self.eval_step = jax.jit(self.task.eval_step)
        self.visualize = jax.jit(self.task.visualize)
        sizes = {name: _count(net.params) for name, net in self.state.nets.items()}
        _log.info(
            "Parameters: %s. Compiling the step for %d device(s).",
            ", ".join(f"{name} {size:,}" for name, size in sizes.items()),
            self.mesh.size,
        )
        # Compiled ahead, so that the clock measures steps and another shape is an error.
        step = jax.jit(self.task.train_step, donate_argnums=0, out_shardings=replicated(self.mesh))
        self.train_step = step.lower(self.state, example, self.frozen).compile()

    def _start(self) -> tuple[TrainState, dict[str, jax.Array]]:
        """Returns the state to go on from, and a batch to compile for; the data stand ready."""
        beginning = self.iterator.get_state()
        example = put_batch(next(self.iterator), self.mesh)
        sharding = replicated(self.mesh)
        # It runs once: optimizing it would take XLA longer than all else before the first step.
        init = jax.jit(self.task.init, out_shardings=sharding, compiler_options=_UNOPTIMIZED)
        key = jax.random.key(self.config.seed)
        target = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
            jax.eval_shape(init, key, example, self.frozen),
        )
        restored = self.checkpoints.restore(target)
        if restored is None:
            self.iterator.set_state(beginning)
            return init(key, example, self.frozen), example
        self._check_data(restored.run["data"])
        self.iterator.set_state(restored.run["data"]["position"])
        _log.info("Going on from step %d.", int(restored.state.step))
        return restored.state, example

    def _check_best_metric(self) -> None:
        """Raises a ValueError, before the first step, where validation has no such metric."""
        batch = next(self.eval_batches(limit=1)).images
        shapes = jax.eval_shape(self.task.eval_step, self.state, batch, self.frozen)
        nothing = {name: np.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}
        known, name = self.task.summarize(nothing), self.config.train.best_metric
        if name not in known:
            raise ValueError(
                f"config.train.best_metric must be one of {', '.join(sorted(known))}, not {name!r}."
            )

    def run(self, stop: StopRequest) -> None:
        """Trains until all steps are done or `stop` has a signal; saves at the end."""
        every = self.config.train
        meter = Meter(self.batch_size)
        metrics: dict[str, jax.Array] = {}
        first = int(self.state.step)
        if first >= self.total_steps:
            _log.info("All %d steps are done; config.train.steps asks for more.", first)
        with tqdm(total=self.total_steps, initial=first, unit="step", disable=None) as progress:
            for step in range(first + 1, self.total_steps + 1):
                batch, waited = self._next_batch(metrics)
                jax.block_until_ready(metrics)  # never more than one step ahead
                self.state, metrics = self.train_step(self.state, batch, self.frozen)
                meter.add(metrics, waited)
                progress.update()
                if stop.signal is not None:
                    meter.means()  # nothing that is not finite is saved
                    self._save(metrics={})
                    _log.warning("Stopped by signal %d; saved step %d.", stop.signal, step)
                    return
                is_eval = step % every.eval_every_steps == 0 or step == self.total_steps
                is_log = is_eval or step % every.log_every_steps == 0
                if is_log:
                    self._log(step, meter.means(), progress)
                if is_eval:
                    self._save(self._evaluate(step))
                if is_log:
                    meter.restart()

    def _next_batch(self, last: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], float]:
        """Returns a batch, and for how many seconds the devices had nothing to do meanwhile."""
        start = time.perf_counter()
        batch = put_batch(next(self.iterator), self.mesh)
        idle = all(value.is_ready() for value in last.values())
        return batch, (time.perf_counter() - start) * idle

    def _log(self, step: int, means: dict[str, float], progress: tqdm) -> None:
        self.writer.scalars(step, means)
        shown = {name: f"{value:.3g}" for name, value in means.items() if name.endswith("loss")}
        progress.set_postfix(shown)
        if progress.disable:
            _log.info("Step %d: %s", step, ", ".join(f"{n} {v}" for n, v in shown.items()))

    def _evaluate(self, step: int) -> dict[str, float]:
        """Returns the validation split's scores, and logs them and the panels."""
        every, batches = self.config.train, self.eval_batches
        rows = {"network": lambda batch: self.eval_step(self.state, batch, self.frozen)}
        result = evaluate(self.task, rows, batches(limit=every.eval_examples), self.mesh)
        scores = result.summary["network"]
        self.writer.scalars(step, {f"validation/{name}": value for name, value in scores.items()})
        for batch in batches(limit=every.panel_examples):
            pictures = self.visualize(self.state, put_batch(batch.images, self.mesh))
            for name, images in jax.device_get(pictures).items():
                for identity, image in zip(batch.ids, images, strict=False):
                    self.writer.image(step, f"{name}/{identity}", image)
        _log.info("Step %d: %s", step, ", ".join(f"{n} {v:.4g}" for n, v in scores.items()))
        return scores

    def _save(self, metrics: dict[str, float]) -> None:
        check_finite(self.state.nets)
        data = {"fingerprint": self._fingerprint(), "position": self.iterator.get_state()}
        run = {"config": json.loads(self.config.to_json()), "data": data}
        self.checkpoints.save(self.state, run, metrics)

    def _check_data(self, saved: dict[str, Any]) -> None:
        if saved["fingerprint"] != self._fingerprint():
            raise DatasetError(
                "The dataset, its configuration, the batch size or the seed has changed since this "
                "run began, so it cannot go on; take a new --workdir."
            )

    @functools.cache  # noqa: B019 - there is one trainer in a process
    def _fingerprint(self) -> str:
        """Returns a digest of everything that decides which examples come in which order."""
        data = self.config.data
        order = (
            fingerprint(data.name, data.train_split, data.data_dir),
            tuple(data.features),
            data.canvas_mode,
            data.canvas_size,
            self.batch_size,
            self.config.seed,
            jax.process_count(),
        )
        return hashlib.sha256(repr(order).encode()).hexdigest()[:16]

    def close(self) -> None:
        """Waits for the last checkpoint and the logs."""
        self.writer.close()  # raises nothing
        self.checkpoints.close()


def _check(train) -> None:
    """Raises a ValueError that names the field of `config.train` which has no such value."""
    if train.best_is not in ("min", "max"):
        raise ValueError(f"config.train.best_is must be min or max, not {train.best_is!r}.")
    for name in ("batch_size", "steps", "epochs", "log_every_steps", "eval_every_steps"):
        value = train[name]
        if value is not None and value <= 0:
            raise ValueError(f"config.train.{name} must be more than 0, not {value}.")


def _count(params: PyTree) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def _total_steps(config) -> int:
    """Returns `train.steps`, or the steps in which `train.epochs` go by."""
    if config.train.epochs is None:
        return config.train.steps
    data = config.data
    examples = len(open_source(data.name, data.train_split, data.data_dir))
    return round(config.train.epochs * examples / config.train.batch_size)
