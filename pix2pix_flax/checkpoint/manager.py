"""Checkpoints of a run, written by Orbax. No other module imports Orbax.

`WORKDIR/checkpoints/STEP/` holds `state` (the arrays of the TrainState), `run` (JSON:
configuration, position in the data, fingerprint of the dataset), `metrics` (JSON) and
`manifest.json`, the SHA-256 of each file, which reveals a damaged checkpoint.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import ml_collections
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as policies

from cartoon_tfds.errors import one_line
from pix2pix_flax.checkpoint import migrations
from pix2pix_flax.checkpoint.integrity import (
    CheckpointError,
    UnreadableError,
    complete,
    differences,
    is_described,
    read_json,
    read_metrics,
    set_aside,
    unusable,
    verify,
    write_manifest,
)
from pix2pix_flax.metrics.ranking import rank
from pix2pix_flax.steps.state import NetState, TrainState
from pix2pix_flax.typing import PyTree

_FOLDER = "checkpoints"


class Restored(NamedTuple):
    """The saved state of a training: its arrays, and the JSON that was saved with them."""

    state: TrainState
    run: dict[str, Any]


class Checkpoints:
    """Writes and restores the checkpoints of one run.

    Saves are atomic and run in the background; call `close` in a `finally`. The last `keep` steps
    and the best step are kept and, if asked for, one step in every interval of time.

    Args:
      workdir: the directory of the run.
      keep: number of last checkpoints to keep.
      best_metric: name of the score, among those given to `save`, that ranks them.
      keep_every_minutes: shortest time between two checkpoints that are kept for good; 0: none is.

    Raises:
      CheckpointError: all checkpoints are damaged. If only some are, they are renamed.
    """

    def __init__(
        self,
        workdir: Path,
        *,
        keep: int,
        best_metric: str,
        keep_every_minutes: float = 0.0,
    ):
        self._folder = Path(workdir).absolute() / _FOLDER

        def score(metrics: dict[str, float]) -> float:
            return rank(best_metric, metrics.get(best_metric))

        for path, reason in unusable(self._folder):
            set_aside(path, reason)  # Orbax would take it for a step
        stays = [policies.LatestN(keep), policies.BestN(get_metric_fn=score, n=1)]
        if keep_every_minutes:
            stays.append(policies.EveryNSeconds(round(60 * keep_every_minutes)))
        self._manager = ocp.CheckpointManager(
            self._folder,
            options=ocp.CheckpointManagerOptions(
                best_fn=score,  # without it Orbax writes no metrics
                preservation_policy=policies.AnyPreservationPolicy(stays),
                cleanup_tmp_directories=True,
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
        try:
            # Nothing is written or deleted in the background while files are hashed.
            self._manager.wait_until_finished()
            self._write_manifests()
            self._manager.save(
                step,
                force=True,  # the trainer decides when
                args=ocp.args.Composite(
                    state=ocp.args.PyTreeSave(state), run=ocp.args.JsonSave(run)
                ),
                metrics=metrics,
            )
        except Exception as error:  # Orbax and TensorStore raise bare exceptions
            raise CheckpointError(f"Saving step {step} failed: {_reason(error)}") from error

    def wait(self) -> None:
        """Waits for the save in the background; raises a CheckpointError if it failed."""
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            raise CheckpointError(f"Saving failed: {_reason(error)}") from error

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
                restored = Restored(_restore(path, target), read_json(path / "run" / "metadata"))
            except UnreadableError as error:
                if is_described(path):  # its files are undamaged, so the cause is another one
                    raise
                unreadable.append((path, str(error)))
                continue
            for newer, reason in unreadable:
                set_aside(newer, reason)
            self._manager.reload()
            return restored
        if unreadable:
            raise CheckpointError(unreadable[0][1])
        return None

    def close(self) -> None:
        """Waits for the save in the background, and closes Orbax's manager."""
        self.wait()
        try:
            self._write_manifests()
            self._manager.close()
        except Exception as error:
            raise CheckpointError(f"Saving failed: {_reason(error)}") from error

    def _write_manifests(self) -> None:
        """Writes the manifests of finished steps."""
        for path in complete(self._folder) if jax.process_index() == 0 else ():
            write_manifest(path)


def _restore(path: Path, target: PyTree, *, partial: bool = False) -> PyTree:
    """Returns the arrays at `path` in the shape of `target`, whose leaves are (abstract) arrays.

    Raises:
      CheckpointError: naming the first arrays that are missing or differ in shape or dtype.
    """
    problems = differences(_described(path), target, partial)
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise CheckpointError(
            f"{path} was saved from another network: {'; '.join(problems[:5])}{more}."
        )
    args = ocp.args.PyTreeRestore(
        target,
        restore_args=ocp.checkpoint_utils.construct_restore_args(target),
        partial_restore=partial,
    )
    with _reader(path) as reader:
        return reader.restore(path, args=ocp.args.Composite(state=args)).state


def _described(path: Path) -> PyTree:
    """Returns the tree of array descriptions (shape, dtype) of a step directory."""
    with _reader(path) as reader:
        return reader.metadata(path).item_metadata.state.tree


@contextlib.contextmanager
def _reader(path: Path) -> Iterator[ocp.Checkpointer]:
    """Gives the reader of a step directory; turns its errors into one line that names `path`."""
    json_items = {name: ocp.JsonCheckpointHandler() for name in ("run", "metrics")}
    handler = ocp.CompositeCheckpointHandler(state=ocp.PyTreeCheckpointHandler(), **json_items)
    try:
        with ocp.Checkpointer(handler) as reader:
            yield reader
    except Exception as error:  # Orbax and TensorStore raise bare exceptions
        raise UnreadableError(f"{path} cannot be read: {_reason(error)}") from error


def find_checkpoint(path: str | Path) -> Path:
    """Returns the step directory of a path.

    Args:
      path: a step directory, or a work directory, which stands for its best step, else its latest.

    Raises:
      CheckpointError: the path holds no checkpoint.
    """
    path = Path(path).absolute()
    if path.name.isdigit() and (path / "run").is_dir():
        return path
    for folder in (path / _FOLDER, path):
        steps = complete(folder)
        if steps:
            return _best(steps)
    raise CheckpointError(f"{path} is not a checkpoint and not a work directory that holds one.")


def _best(steps: list[Path]) -> Path:
    """Returns the best step by its scores; the last step if none was evaluated."""
    best_metric = read_config(steps[-1]).train.best_metric

    def order(path: Path) -> tuple[float, int]:
        metrics = read_metrics(path)
        return rank(best_metric, metrics.get(best_metric)), int(path.name)

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
            return Restored(_restore(path, target), read_json(path / "run" / "metadata"))
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
    nets = _described(step)["nets"]
    name = "gen_ema" if "gen_ema" in nets else "gen"
    wanted = {"params": nets[name]["params"], "model_state": nets[name]["model_state"] or {}}
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), wanted)
    restored = _restore(step, {"nets": {name: shapes}}, partial=True)["nets"][name]
    return NetState(**restored)


def _reason(error: Exception) -> str:
    """Returns the message of an error on one line, without the description of an array's store."""
    return one_line(error).partition(" [tensorstore_spec=")[0]
