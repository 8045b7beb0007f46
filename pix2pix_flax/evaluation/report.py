"""A checkpoint's scores on a split, beside control rows, and a picture of what was scored."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import ml_collections
import numpy as np
from tqdm import tqdm

from pix2pix_flax.data.pipeline import EvalBatch, eval_batches
from pix2pix_flax.evaluation.evaluate import Evaluation, evaluate
from pix2pix_flax.evaluation.panel import Output, check_order, show_pairs, show_sets
from pix2pix_flax.evaluation.real_sets import real_distances
from pix2pix_flax.evaluation.scorer import Batch, Judge, by_example, make_judge, target_halves
from pix2pix_flax.metrics.feature_sets import FEATURES, SetsError
from pix2pix_flax.pretrained.generator import TrainedGenerator, load_generator
from pix2pix_flax.sharding import make_mesh
from pix2pix_flax.tasks import Task

_BATCH_SIZE = 8
Controls = Callable[[Batch], dict[str, jax.Array]]
Batches = Callable[..., Iterator[EvalBatch]]


def evaluate_checkpoint(
    checkpoint: str | Path,
    *,
    split: str,
    dataset: str | None = None,
    features: Sequence[str] | None = None,
    data_dir: str | None,
    baseline: str | Path | None,
    vgg16: bool = True,
    panel: str = "spread",
    panel_rows: int,
) -> tuple[dict[str, Any], np.ndarray]:
    """Returns the report on a checkpoint, and a panel to look at.

    Its rows are `network`; `baseline` where one is given: a second network on the same dataset, for
    instance one that is trained on L1 alone; the task's controls, such as `input`, the input itself
    taken as the output; and, for distances of sets only, real pictures: `target_halves`, every
    other target against those between, or where outputs belong to no target `real`, as many
    pictures of the training split. docs/evaluation.md says what each score means.

    Args:
      checkpoint: a training run, a safetensors file or a name; see `generators.load_generator`.
      split: of the dataset.
      dataset: its name; None for the one that the checkpoint was trained on.
      features: the names that its pictures have, as in `config.data.features`; None likewise.
      data_dir: where the dataset lies; None for where it lay in training.
      baseline: a second checkpoint, likewise.
      vgg16: whether to give `lpips_vgg16` and the distances of distributions, which take long.
      panel: which examples are in it, by the task's `ranked_by`; see `panel.choose`.
      panel_rows: how many; where sets are compared, the rows and columns of each grid.

    Returns:
      A dict (`summary` by row and metric, `tables` by name, `examples` with one entry each, and
      what they are of), and uint8 RGB [H, W, 3]: see `panel.show_pairs` and `panel.show_sets`.

    Raises:
      ValueError: one of the project's own, naming what is missing.
    """
    networks = _load({"network": checkpoint} | ({"baseline": baseline} if baseline else {}))
    config = _elsewhere(networks["network"].config, dataset, features, data_dir)
    judge = make_judge(config, vgg16=vgg16)
    check_order(judge.task, panel)
    read = partial(eval_batches, config.data, split=split, batch_size=_BATCH_SIZE)
    batches = partial(_prepared, jax.jit(judge.task.prepare), read)
    outputs = {name: network_output(network) for name, network in networks.items()}
    outputs |= _controls(judge.task, batches)
    mesh = make_mesh(_BATCH_SIZE)
    progress = tqdm(batches(), unit="batch", disable=None)
    result = evaluate(judge, judge.rows(outputs, mesh), progress, mesh)
    if judge.task.paired:
        shown, picture = show_pairs(
            judge.task, outputs, batches, result, order=panel, count=panel_rows
        )
    else:
        shown, picture = show_sets(outputs, batches, side=panel_rows)
    report = {
        "checkpoints": {name: str(network.origin) for name, network in networks.items()},
        "dataset": config.data.name,
        "split": split,
        "eval_size": config.data.eval_size,
        "canvas_mode": config.data.canvas_mode,
        "count": len(result.ids),
        "summary": result.summary | _real_pictures(judge, result, config.data, split),
        "tables": _tables(judge, result),
        "panel": {"order": panel, **shown},
        "examples": _by_example(result),
    }
    return report, picture


def _load(named: dict[str, str | Path]) -> dict[str, TrainedGenerator]:
    """Returns networks by the name of their row.

    Raises:
      SetsError: what some make belongs to the examples, and what others make does not.
    """
    networks = {name: load_generator(path) for name, path in named.items()}
    of_noise = [network.origin for network in networks.values() if not network.task.paired]
    if 0 < len(of_noise) < len(networks):
        raise SetsError(
            f"{of_noise[0]} makes pictures of noise, and the other network pictures of pictures: "
            "no table has both."
        )
    return networks


def _elsewhere(
    config: ml_collections.ConfigDict,
    dataset: str | None,
    features: Sequence[str] | None,
    data_dir: str | None,
) -> ml_collections.ConfigDict:
    config = config.copy_and_resolve_references()
    config.data.name = dataset or config.data.name
    config.data.features = tuple(features or config.data.features)
    config.data.data_dir = data_dir or config.data.data_dir
    return config


def _prepared(
    prepare: Callable[[Batch], Batch], read: Batches, **options: Any
) -> Iterator[EvalBatch]:
    for batch in read(**options):
        yield batch._replace(images=jax.device_get(prepare(batch.images)))


def network_output(network: TrainedGenerator) -> Output:
    """Returns the function from a batch to what a network makes of its inputs."""
    predict = jax.jit(network.task.predict)
    return lambda batch: predict(network.variables, batch["input"])


def _controls(task: Task, batches: Batches) -> dict[str, Output]:
    """Returns the task's controls by name, each a function from a batch to its outputs."""
    controls = jax.jit(task.controls)
    names = jax.eval_shape(controls, next(batches(limit=1)).images)
    return {name: partial(_control, controls, name) for name in names}


def _control(controls: Controls, name: str, batch: Batch) -> jax.Array:
    return controls(batch)[name]


def _real_pictures(
    judge: Judge, result: Evaluation, data: ml_collections.ConfigDict, split: str
) -> dict[str, dict[str, float]]:
    """Returns the row of real pictures against real ones, where sets are compared."""
    outputs = result.examples["network"]
    if judge.task.paired:
        row, found = "target_halves", target_halves(outputs)
    else:
        targets = outputs[FEATURES][:, 1]
        row, found = "real", real_distances(data, split, targets, judge.frozen["vgg16"])
    return {row: found} if found else {}


def _tables(judge: Judge, result: Evaluation) -> dict[str, list[dict[str, Any]]]:
    """Returns the task's tables, each with the lines of all rows below one another."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for row, outputs in result.examples.items():
        for name, lines in judge.tables(outputs).items():
            tables.setdefault(name, []).extend({"row": row, **line} for line in lines)
    return tables


def _by_example(result: Evaluation) -> list[dict[str, Any]]:
    """Returns one entry an example: its id, and its scores by row; none without such scores."""
    scores = {row: by_example(outputs) for row, outputs in result.examples.items()}
    if not any(scores.values()):
        return []
    return [
        {"id": identity}
        | {
            row: {name: float(values[index]) for name, values in found.items()}
            for row, found in scores.items()
        }
        for index, identity in enumerate(result.ids)
    ]
