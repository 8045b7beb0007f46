"""A checkpoint's scores on a split, beside control rows: as JSON, as a table and as a picture."""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from pix2pix_flax.augment import denormalize
from pix2pix_flax.data.pipeline import EvalBatch, eval_batches
from pix2pix_flax.evaluate import Evaluation, evaluate
from pix2pix_flax.generators import TrainedGenerator, load_generator
from pix2pix_flax.sharding import make_mesh
from pix2pix_flax.tasks import Task, make_task
from pix2pix_flax.train_state import PyTree
from pix2pix_flax.weights import WeightsMissingError

_log = logging.getLogger(__name__)
_BATCH_SIZE = 8
_GAP = 4  # pixels between the pictures of a panel
Batch = dict[str, jax.Array]
Output = Callable[[Batch], jax.Array]
Score = Callable[[jax.Array, Batch, PyTree], dict[str, jax.Array]]


def evaluate_checkpoint(
    checkpoint: str | Path,
    *,
    split: str,
    dataset: str | None = None,
    data_dir: str | None,
    baseline: str | Path | None,
    panel_rows: int,
) -> tuple[dict[str, Any], np.ndarray]:
    """Returns the report on a checkpoint, and a panel to look at.

    Its rows are `network`; `input`, the input itself taken as the output; and `baseline` where one
    is given: a second network on the same dataset, for instance one that is trained on L1 alone.

    Args:
      checkpoint: a training run, a safetensors file or a name; see `generators.load_generator`.
      split: of the dataset.
      dataset: its name; None for the one that the checkpoint was trained on.
      data_dir: where the dataset lies; None for where it lay in training.
      baseline: a second checkpoint, likewise.
      panel_rows: examples in the panel, evenly spread over the split.

    Returns:
      A dict for JSON (`summary` by row and metric, `examples` with one entry each, and what they
      are of), and uint8 RGB [H, W, 3]: input | target | output, one example a row.

    Raises:
      ValueError: one of the project's own, naming what is missing.
    """
    named = {"network": checkpoint} | ({"baseline": baseline} if baseline else {})
    networks = {name: load_generator(path) for name, path in named.items()}
    config = networks["network"].config.copy_and_resolve_references()
    config.data.name = dataset or config.data.name
    config.data.data_dir = data_dir or config.data.data_dir
    task, frozen = _judge(config)
    outputs = {name: _network(network) for name, network in networks.items()}
    outputs |= {name: partial(_control, task.controls, name) for name in ("input",)}
    score = jax.jit(task.score)
    rows = {name: partial(_scored, output, score, frozen) for name, output in outputs.items()}
    batches = partial(eval_batches, config.data, split=split, batch_size=_BATCH_SIZE)
    result = evaluate(task, rows, batches(), make_mesh(_BATCH_SIZE))
    report = {
        "checkpoints": {name: str(network.origin) for name, network in networks.items()},
        "dataset": config.data.name,
        "split": split,
        "count": len(result.ids),
        "summary": result.summary,
        "examples": _by_example(result),
    }
    return report, _panel(outputs["network"], batches(limit=panel_rows))


def _network(network: TrainedGenerator) -> Output:
    predict = jax.jit(network.task.predict)
    return lambda batch: predict(network.variables, batch["input"])


def _control(controls: Callable[[Batch], dict[str, jax.Array]], name: str, batch: Batch):
    return controls(batch)[name]


def _judge(config) -> tuple[Task, PyTree]:
    """Returns a task to score with, and its frozen weights; with LPIPS, where that is installed."""
    config.loss_weights.perceptual = config.loss_weights.lpips = 0.0  # nothing is trained here
    config.test.lpips = True
    task = make_task(config, total_steps=1)
    try:
        return task, jax.device_put(task.load_frozen())
    except WeightsMissingError as error:
        _log.warning("LPIPS is left out: %s", error)
    config.test.lpips = False
    return make_task(config, total_steps=1), {}


def _scored(output: Output, score: Score, frozen: PyTree, batch: Batch) -> dict[str, jax.Array]:
    return score(output(batch), batch, frozen)


def _by_example(result: Evaluation) -> list[dict[str, Any]]:
    """Returns one entry an example: its id, and its scores by row."""
    entries: list[dict[str, Any]] = [{"id": identity} for identity in result.ids]
    for row, scores in result.examples.items():
        for index, entry in enumerate(entries):
            entry[row] = {name: float(values[index]) for name, values in scores.items()}
    return entries


def _panel(network: Output, batches: Iterable[EvalBatch]) -> np.ndarray:
    """Returns input | target | output, uint8 [H, W, 3], one example a row on white."""
    rows = []
    for batch in batches:
        images = [batch.images["input"], batch.images["target"]]
        images.append(np.asarray(denormalize(network(batch.images))))
        gap = np.full((*images[0].shape[:2], _GAP, images[0].shape[3]), 255, np.uint8)
        joined = np.concatenate([images[0], gap, images[1], gap, images[2]], axis=2)
        rows.extend(joined[: batch.count])
    width = max(row.shape[1] for row in rows)
    margins = [((0, _GAP), (0, width - row.shape[1]), (0, 0)) for row in rows]
    return np.concatenate(
        [
            np.pad(row, margin, constant_values=255)
            for row, margin in zip(rows, margins, strict=True)
        ]
    )


def as_table(report: dict[str, Any]) -> str:
    """Returns the summary as a table of plain text: a line for each row, a column a metric."""
    metrics = list(report["summary"]["network"])
    lines = [["", *metrics]]
    lines += [
        [row, *(f"{scores[metric]:.4f}" for metric in metrics)]
        for row, scores in report["summary"].items()
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )
