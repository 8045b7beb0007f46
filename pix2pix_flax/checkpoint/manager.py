"""Checkpoints of a run, written by Orbax. No room but this one imports Orbax.

`WORKDIR/checkpoints/STEP/` holds `state` (the arrays of the TrainState), `run` (JSON:
configuration, position in the data, fingerprint of the dataset), `metrics` (JSON) and
`manifest.json`, the SHA-256 of each file, which reveals a damaged checkpoint. The manifest is
written before Orbax commits a step, so a killed process leaves no step without one. A step that is
no longer kept is moved to `deleted/` and deleted there, so a killed process leaves no half of one.
"""

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import ml_collections
import orbax.checkpoint as ocp

from pix2pix_flax.checkpoint import migrations
from pix2pix_flax.checkpoint.arrays import described, reason, restore_arrays
from pix2pix_flax.checkpoint.integrity import (
    WRITTEN_BY_COMMIT,
    CheckpointError,
    NoUsableStepError,
    UnreadableError,
    complete,
    describe,
    is_described,
    numbered,
    read_json,
    read_metrics,
    set_aside,
    unusable,
    verify,
    write_metrics,
)
from pix2pix_flax.checkpoint.preservation import make_policy
from pix2pix_flax.checkpoint.quiet import keep_quiet
from pix2pix_flax.metrics.ranking import rank
from pix2pix_flax.sharding import first_host_does, is_first_host
from pix2pix_flax.steps.state import NetState, TrainState

_FOLDER = "checkpoints"
_DELETED = "deleted"


class Restored(NamedTuple):
    """The saved state of a training: its arrays, and the JSON that was saved with them."""

    state: TrainState
    run: dict[str, Any]


class Checkpoints:
    """Writes and restores the checkpoints of one run.

    Saves are atomic and run in the background; call `close` in a `finally`. The last `keep` steps
    and the best step are kept and, if asked for, chosen steps and one step in every interval.

    Attributes:
      workdir: the directory of the run.

    Args:
      workdir: see the attribute.
      keep: number of last checkpoints to keep.
      best_metric: name of the score, among those given to `save`, that ranks them.
      keep_every_minutes: shortest time between two checkpoints that are kept for good; 0: none is.
      is_kept: returns whether the checkpoint of a step is kept for good.

    Raises:
      NoUsableStepError: all checkpoints are damaged. If only some are, they are renamed.
    """

    def __init__(
        self,
        workdir: Path,
        *,
        keep: int,
        best_metric: str,
        keep_every_minutes: float = 0.0,
        is_kept: Callable[[int], bool] = lambda step: False,
    ):
        self.workdir = Path(workdir).absolute()
        self._folder = self.workdir / _FOLDER

        def score(metrics: dict[str, float]) -> float:
            return rank(best_metric, metrics.get(best_metric))

        keep_quiet()
        first_host_does(self._clean_up)
        self._step = 0  # of the last save
        self._after_save: threading.Thread | None = None
        self._manager = ocp.CheckpointManager(
            self._folder,
            options=ocp.CheckpointManagerOptions(
                best_fn=score,  # without it Orbax writes no metrics
                preservation_policy=make_policy(keep, score, keep_every_minutes, is_kept),
                todelete_subdir=_DELETED,
                async_options=ocp.AsyncOptions(post_finalization_callback=self._before_commit),
            ),
        )

    def save(self, state: TrainState, run: dict[str, Any], metrics: dict[str, float]) -> None:
        """Saves in the background; a step that is saved already stays unchanged.

        Args:
          state: the arrays.
          run: values for JSON: `config`, `data` and all else that a restart needs.
          metrics: scores of the evaluation at this step; {} if there was no evaluation.

        Raises:
          CheckpointError: this save or the last one failed.
        """
        step = int(state.step)
        if step in self._manager.all_steps():
            return
        self.wait()
        self._step = step
        with self._saving():
            self._manager.save(
                step,
                force=True,  # the trainer decides when
                args=ocp.args.Composite(
                    state=ocp.args.PyTreeSave(state), run=ocp.args.JsonSave(run)
                ),
                metrics=metrics,
            )
        self._after_save = threading.Thread(target=self._finish, args=(step,))
        self._after_save.start()

    def wait(self) -> None:
        """Waits for the save in the background; raises a CheckpointError if it failed."""
        with self._saving():
            self._manager.wait_until_finished()
        if self._after_save is not None:
            self._after_save.join()

    @contextlib.contextmanager
    def _saving(self) -> Iterator[None]:
        """Turns the errors of Orbax and TensorStore, which are bare exceptions, into one line."""
        try:
            yield
        except Exception as error:
            raise CheckpointError(
                f"Saving step {self._step} failed: {reason(error)}. The steps before it are whole."
            ) from error

    def add_metrics(self, step: int, metrics: dict[str, float]) -> None:
        """Adds the scores of a saved step that was saved without scores."""
        self.wait()
        first_host_does(lambda: write_metrics(self._folder / str(step), metrics))
        self._manager.reload()

    def metrics(self, step: int) -> dict[str, float]:
        """Returns the scores of a saved step; {} if it was not evaluated."""
        return read_metrics(self._folder / str(step))

    def restore(self, target: TrainState) -> Restored | None:
        """Returns the newest readable checkpoint, or None if the run has no checkpoint.

        Args:
          target: a state with the wanted shapes, dtypes and shardings.

        Raises:
          CheckpointError: the arrays differ from the target's, or no checkpoint can be read.
        """
        unreadable = []
        for path in reversed(complete(self._folder)):
            try:
                restored = Restored(
                    restore_arrays(path, target), read_json(path / "run" / "metadata")
                )
            except UnreadableError as error:
                if is_described(path):  # its files are undamaged, so the cause is another one
                    raise
                unreadable.append((path, str(error)))
                continue
            first_host_does(lambda: [set_aside(newer, why) for newer, why in unreadable])
            self._manager.reload()
            return restored
        if unreadable:
            raise NoUsableStepError(self._folder, unreadable[0][1])
        return None

    def close(self) -> None:
        """Waits for the save in the background, and closes Orbax's manager."""
        self.wait()
        with self._saving():
            self._manager.close()

    def _before_commit(self) -> None:
        """Writes the manifest of a step whose arrays are on the disk, before it gets its name."""
        if is_first_host():
            for path in self._unfinished(self._step):
                describe(path, without=WRITTEN_BY_COMMIT)

    def _unfinished(self, step: int | str) -> list[Path]:
        return list(self._folder.glob(f"{step}.orbax-checkpoint-tmp*"))

    def _finish(self, step: int) -> None:
        """Completes the manifest of a step that is saved now, and deletes older steps for good."""
        with contextlib.suppress(Exception):  # `wait` raises the error of the save
            self._manager.wait_until_finished()
            if is_first_host():
                describe(self._folder / str(step))
                self._empty_deleted()

    def _clean_up(self) -> None:
        # Orbax would delete them in the background, and go on without waiting.
        for path in self._unfinished("*"):
            shutil.rmtree(path)
        for path, why in unusable(self._folder):
            set_aside(path, why)  # Orbax would take it for a step
        self._empty_deleted()

    def _empty_deleted(self) -> None:
        shutil.rmtree(self._folder / _DELETED, ignore_errors=True)


def set_run_aside(workdir: Path) -> None:
    """Renames all step directories of a run and its previews, so that it begins anew."""
    workdir = Path(workdir).absolute()
    for path in (*numbered(workdir / _FOLDER), workdir / "previews"):
        if path.exists():
            set_aside(path, "the training begins anew.", "old")


def find_checkpoint(path: str | Path, best_metric: str | None = None) -> Path:
    """Returns the step directory of a path.

    Args:
      path: a step directory, or a work directory, which stands for its best step, else its latest.
      best_metric: the score by which a step is the best; None: the last `train.best_metric`.

    Raises:
      CheckpointError: the path holds no checkpoint.
    """
    path = Path(path).absolute()
    if path.name.isdigit() and (path / "run").is_dir():
        return path
    for folder in (path / _FOLDER, path):
        steps = complete(folder)
        if steps:
            return _best(steps, best_metric)
    raise CheckpointError(f"{path} is not a checkpoint and not a work directory that holds one.")


def _best(steps: list[Path], metric: str | None) -> Path:
    """Returns the best step by its scores; the last step if none was evaluated."""
    metric = metric or read_config(steps[-1]).train.best_metric

    def order(path: Path) -> tuple[float, int]:
        return rank(metric, read_metrics(path).get(metric)), int(path.name)

    return max(steps, key=order)


def restore_latest(workdir: Path, target: TrainState) -> Restored | None:
    """Returns the newest undamaged checkpoint of a run, or None; changes no file.

    Args:
      workdir: the directory of the run; it need not exist.
      target: a state with the wanted shapes, dtypes and shardings.

    Raises:
      CheckpointError: the arrays differ from the target's, or all checkpoints are damaged.
    """
    folder = Path(workdir).absolute() / _FOLDER
    damaged = [path for path, _ in unusable(folder)]
    for path in reversed(complete(folder)):
        if path not in damaged:
            return Restored(restore_arrays(path, target), read_json(path / "run" / "metadata"))
    return None


def read_config(step: Path) -> ml_collections.ConfigDict:
    """Returns the configuration of the training of a step, in the layout of today."""
    run = read_json(step / "run" / "metadata")
    if "config" not in run:
        raise CheckpointError(f"{step} holds no configuration.")
    return migrations.complete(run["config"])


def restore_generator(step: Path) -> NetState:
    """Returns the generator of a step directory; the moving average if one was kept.

    Only its parameters and running statistics are read.

    Raises:
      CheckpointError: files are missing or damaged.
    """
    verify(step)
    nets = described(step)["nets"]
    name = "gen_ema" if "gen_ema" in nets else "gen"
    wanted = {"params": nets[name]["params"], "model_state": nets[name]["model_state"] or {}}
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), wanted)
    restored = restore_arrays(step, {"nets": {name: shapes}}, partial=True)["nets"][name]
    return NetState(**restored)
