"""The steps of a training; this file defines when things happen, the task what a step is."""

import contextlib
import functools
import json
import logging
import time
from pathlib import Path

import jax
from tqdm import tqdm

from cartoon_tfds.errors import UserError
from pix2pix_flax.checkpoint.manager import Checkpoints
from pix2pix_flax.data.order import check_order, order_fingerprint
from pix2pix_flax.data.records import DatasetError
from pix2pix_flax.pretrained.generator import started_from
from pix2pix_flax.sharding import is_first_host, make_mesh, replicated
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.train.batches import make_batches, next_batch
from pix2pix_flax.train.meter import DivergedError, Meter, check_finite, duration
from pix2pix_flax.train.result import best_step
from pix2pix_flax.train.same_networks import check_networks
from pix2pix_flax.train.schedule import WORK, Epochs, make_epochs, make_every
from pix2pix_flax.train.step import lower_step, placed
from pix2pix_flax.train.stop import StopRequest
from pix2pix_flax.train.validation import Validation
from pix2pix_flax.train.writer import Writer

_log = logging.getLogger(__name__)

_UNOPTIMIZED = {"xla_backend_optimization_level": 0}


class Trainer:
    """One run: its state, and the work that is due after each step."""

    def __init__(self, config, workdir: Path, checkpoints: Checkpoints | None = None):
        self.config = config
        self.batch_size = config.train.batch_size
        self.mesh = make_mesh(self.batch_size)
        self.epochs = make_epochs(config)
        self.total_steps = _total_steps(config.train, self.epochs)
        self.task = make_task(config, self.total_steps)
        self.iterator, self.put = make_batches(config, self.mesh)
        order = {"batch_size": self.batch_size, "seed": config.seed}
        self.order = order_fingerprint(config, **order)
        self.check_order = functools.partial(check_order, config=config, **order)
        self.seconds = 0.0  # the time on which the hosts agree
        clock = lambda: self.seconds  # noqa: E731
        self.every = {work: make_every(config.train, work, self.epochs, clock) for work in WORK}
        self.checkpoints = checkpoints or Checkpoints(
            workdir,
            keep=config.train.keep_checkpoints,
            best_metric=config.train.best_metric,
            keep_every_minutes=config.train.keep_every_minutes,
            is_kept=self.every["keep"].is_moment,
        )
        self.owes_scores = False  # whether the newest step is due for an evaluation
        self.unlogged: list[dict[str, float]] = []  # see `Writer`, of the restored step
        self.frozen = jax.device_put(self.task.load_frozen(), replicated(self.mesh))
        self.state, example = self._start()
        self.step = self.first = int(self.state.step)
        self.metrics: dict[str, jax.Array] = {}
        self.rollbacks = 0
        self.meter = Meter(self.batch_size)
        best = best_step(self.checkpoints.workdir, config)[1] if self.step else None
        self.validation = Validation(config, self.task, self.mesh, self.frozen, best)
        self.validation.check_best_metric(self.state)
        self.writer = Writer(
            workdir, self.step, self.epochs, is_first=is_first_host(), unlogged=self.unlogged
        )
        self.writer.describe(config)
        _log.info("Training %s on %s, in %s.", config.task, config.data.name, workdir)
        _log.info("To watch it: tensorboard --logdir=%s", workdir.parent)
        _log.info(
            "Parameters: %s. Compiling the step for %d device(s), for minutes the first time.",
            ", ".join(f"{name} {net.size:,}" for name, net in self.state.nets.items()),
            self.mesh.size,
        )
        # Compiled ahead, so that the clock measures steps only and another shape is an error.
        start = time.perf_counter()
        lowered = lower_step(self.task, self.target, example, self.frozen, self.mesh)
        self.train_step = lowered.compile()
        self.compile_seconds = time.perf_counter() - start
        self.placed = functools.partial(placed, step=self.train_step)
        self.state = self.placed(self.state)

    def _start(self) -> tuple[TrainState, dict[str, jax.Array]]:
        """Returns the first state of this process, and a batch to compile the step for.

        In this order: the newest checkpoint of the work directory, else the generator of
        `config.init_from` with fresh other arrays, else fresh arrays. The data iterator is set to
        the position of the state.
        """
        first_position = self.iterator.get_state()
        example = self.put(next(self.iterator))
        sharding = replicated(self.mesh)
        # It runs once: its optimization by XLA would take longer than all other preparations.
        init = jax.jit(self.task.init, out_shardings=sharding, compiler_options=_UNOPTIMIZED)
        key = jax.random.key(self.config.seed)
        self.target = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
            jax.eval_shape(init, key, example, self.frozen),
        )
        restored = self.checkpoints.restore(self.target)
        if restored is None:
            self.iterator.set_state(first_position)
            return self._initialized(init(key, example, self.frozen)), example
        self.check_order(restored.run)
        check_networks(restored.run, self.config)
        self.iterator.set_state(restored.run["data"]["position"])
        self.unlogged = restored.run.get("unlogged", [])
        step = int(restored.state.step)
        if step >= self.total_steps or "owes_scores" in restored.run:
            self.owes_scores = not self.checkpoints.metrics(step)
        _log.info("Resuming from step %d.", step)
        return restored.state, example

    def _initialized(self, state: TrainState) -> TrainState:
        """Returns the state at step 0, with the generator of `config.init_from` if it is set."""
        checkpoint = self.config.init_from
        if checkpoint is None:
            return state
        _log.info("The generator starts from %s.", checkpoint)
        return jax.device_put(started_from(checkpoint, state), replicated(self.mesh))

    def run(self, stop: StopRequest) -> bool:
        """Trains until all steps are done or `stop` is due, and saves at the end.

        Returns:
          Whether all steps are done and the last one has its scores.
        """
        if self.step >= self.total_steps:
            _log.info("All %d steps are done; config.train.steps asks for more.", self.step)
        self._make_up(stop)
        self.meter.restart()
        with tqdm(total=self.total_steps, initial=self.step, unit="step", disable=None) as progress:
            # A step that still owes its scores is the last one of this process.
            while self.step < self.total_steps and not self.owes_scores:
                try:
                    self._advance(stop, progress)
                    if stop.is_due() and self.step < self.total_steps and not self.owes_scores:
                        self._stop_early(stop)
                        return False
                except DivergedError as error:
                    self._roll_back(error)
                    progress.reset()
                    progress.update(self.step)
                except DatasetError:
                    self._save_finite(stop)
                    raise
        if self.owes_scores:
            message = "Stopped %s; saved step %d of %d, whose scores the same command adds."
            _log.warning(message, stop.reason, self.step, self.total_steps)
            return False
        return True

    def _make_up(self, stop: StopRequest) -> None:
        """Adds the scores of the restored step, and its scores in the log, where they are missing.

        A signal or the end of the hours has prevented the evaluation, or a full disk its log.
        """
        if not self.owes_scores:
            saved = self.checkpoints.metrics(self.step) if self.step else {}
            if saved and not self.writer.has_scores(self.step):
                self.validation.record(self.step, saved, self.writer)
            return
        scores = self.validation.scores(self.state, self.writer, stop)
        self.owes_scores = scores is None
        if scores:
            self.checkpoints.add_metrics(self.step, scores)

    def _advance(self, stop: StopRequest, progress: tqdm) -> None:
        """Takes one step, and does the work that is due after it."""
        with stop.timing("step"):
            batch, waited = next_batch(self.iterator, self.put, self.metrics, stop)
            self.seconds = stop.seconds
            self.state, self.metrics = self.train_step(self.state, batch, self.frozen)
        self.step += 1
        self.meter.add(self.metrics, waited)
        progress.update()
        is_due = {work: every.is_due(self.step) for work, every in self.every.items()}
        is_eval = is_due["eval"] or self.step == self.total_steps
        is_log = is_eval or self.step % self.config.train.log_every_steps == 0
        if is_log:
            self._log(self.meter.means(), progress)
        if is_eval or is_due["preview"]:
            self.validation.preview(self.state, self.writer)
        scores = None
        if is_eval and not stop.is_due(before="evaluation"):
            scores = self.validation.scores(self.state, self.writer, stop)
        self.owes_scores = is_eval and scores is None
        # With limited time, the duration of a save (and a full disk) must be known at once.
        if is_eval or is_due["keep"] or (self.step == self.first + 1 and stop.has_limit):
            self._save(stop, scores or {})
        if is_log:
            self.meter.restart()

    def _stop_early(self, stop: StopRequest) -> None:
        self.meter.means()  # raises if a scalar is not finite, so that such a state is not saved
        self._save(stop, metrics={})
        message = "Stopped %s; saved step %d of %d."
        _log.warning(message, stop.reason, self.step, self.total_steps)

    def _save_finite(self, stop: StopRequest) -> None:
        """Saves the steps since the last save, before an error ends the run."""
        with contextlib.suppress(DivergedError):
            self.meter.means()
            if self.step > 0:
                self._save(stop, metrics={})
                _log.warning("Saved step %d before the end by an error.", self.step)

    def _roll_back(self, error: DivergedError) -> None:
        """Returns to the last checkpoint, or raises the error after too many returns.

        The same batches and random numbers would diverge again, so the data iterator keeps its
        position, and the random key changes.
        """
        self.rollbacks += 1
        self.checkpoints.wait()
        restored = self.checkpoints.restore(self.target)
        if restored is None or self.rollbacks > self.config.train.max_rollbacks:
            raise error
        rng = jax.random.fold_in(restored.state.rng, self.rollbacks)
        state = restored.state.replace(rng=jax.device_put(rng, replicated(self.mesh)))
        self.state = self.placed(state)
        self.step, self.metrics, self.owes_scores = int(self.state.step), {}, False
        self.meter.restart()
        _log.warning("%s Back to step %d with other batches.", error, self.step)

    def _log(self, means: dict[str, float], progress: tqdm) -> None:
        self.writer.scalars(self.step, means)
        shown = {name: f"{value:.3g}" for name, value in means.items() if name.endswith("loss")}
        progress.set_postfix(shown)
        if progress.disable:
            losses = ", ".join(f"{name} {value}" for name, value in shown.items())
            images = (self.total_steps - self.step) * self.batch_size
            left = f"{duration(images / means['speed/images_per_second'])} left"
            place = self.epochs.describe(self.step, f" of {self.total_steps}")
            _log.info("%s: %s; %s", place, losses, left)

    def _save(self, stop: StopRequest, metrics: dict[str, float]) -> None:
        check_finite(self.state.nets)
        data = {"fingerprint": self.order, "position": self.iterator.get_state()}
        run = {"config": json.loads(self.config.to_json()), "data": data}
        run["unlogged"] = list(self.writer.unlogged)
        if self.owes_scores:
            run["owes_scores"] = True
        with stop.timing("save"):
            self.checkpoints.save(self.state, run, metrics)
            if stop.has_limit:
                self.checkpoints.wait()

    def close(self) -> None:
        """Waits for the last checkpoint and the logs."""
        self.writer.close()  # never raises
        self.checkpoints.close()


def _total_steps(train, epochs: Epochs) -> int:
    """Returns `train.steps`, or the number of steps of `train.epochs`.

    Raises:
      UserError: `train.epochs` are no whole step.
    """
    steps = train.steps if train.epochs is None else epochs.steps(train.epochs)
    if train.epochs and not steps:
        raise UserError(f"config.train.epochs={train.epochs:g} is less than one step: raise it.")
    return steps
