"""A checkpoint's scores on a split, beside control rows: as JSON, as a table and as a picture."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from pix2pix_flax.data.pipeline import EvalBatch, eval_batches
from pix2pix_flax.evaluate import Evaluation, evaluate
from pix2pix_flax.generators import TrainedGenerator, load_generator
from pix2pix_flax.judge import Batch, Judge, by_example, make_judge, target_halves
from pix2pix_flax.panel import choose, draw, draw_legend, stack
from pix2pix_flax.sharding import make_mesh

_BATCH_SIZE = 8
_OF_SETS = "vgg16_"  # how the names of distances of distributions begin
Output = Callable[[Batch], jax.Array]
Controls = Callable[[Batch], dict[str, jax.Array]]
Columns = Callable[[Batch, jax.Array], list[jax.Array]]


def evaluate_checkpoint(
    checkpoint: str | Path,
    *,
    split: str,
    dataset: str | None = None,
    data_dir: str | None,
    baseline: str | Path | None,
    vgg16: bool = True,
    panel: str = "spread",
    panel_rows: int,
) -> tuple[dict[str, Any], np.ndarray]:
    """Returns the report on a checkpoint, and a panel to look at.

    Its rows are `network`; `baseline` where one is given: a second network on the same dataset, for
    instance one that is trained on L1 alone; the task's controls, such as `input`, the input itself
    taken as the output; and, for distances of distributions only, `target_halves`: every other
    target against those between. docs/evaluation.md says what each score means.

    Args:
      checkpoint: a training run, a safetensors file or a name; see `generators.load_generator`.
      split: of the dataset.
      dataset: its name; None for the one that the checkpoint was trained on.
      data_dir: where the dataset lies; None for where it lay in training.
      baseline: a second checkpoint, likewise.
      vgg16: whether to give `lpips_vgg16` and the distances of distributions, which take long.
      panel: which examples are in it, by the task's `ranked_by`; see `panel.choose`.
      panel_rows: how many.

    Returns:
      A dict (`summary` by row and metric, `tables` by name, `examples` with one entry each, and
      what they are of), and uint8 RGB [H, W, 3]: the task's columns, such as controls | target |
      output, one example a row, and its legend where it has one.

    Raises:
      ValueError: one of the project's own, naming what is missing.
    """
    named = {"network": checkpoint} | ({"baseline": baseline} if baseline else {})
    networks = {name: load_generator(path).of_pictures() for name, path in named.items()}
    config = networks["network"].config.copy_and_resolve_references()
    config.data.name = dataset or config.data.name
    config.data.data_dir = data_dir or config.data.data_dir
    judge = make_judge(config, vgg16=vgg16)
    outputs = {name: network_output(network) for name, network in networks.items()}
    read = partial(eval_batches, config.data, split=split, batch_size=_BATCH_SIZE)
    batches = partial(_prepared, jax.jit(judge.task.prepare), read)
    controls = jax.jit(judge.task.controls)
    names = jax.eval_shape(controls, next(batches(limit=1)).images)
    outputs |= {name: partial(_control, controls, name) for name in names}
    mesh = make_mesh(_BATCH_SIZE)
    progress = tqdm(batches(), unit="batch", disable=None)
    result = evaluate(judge, judge.rows(outputs, mesh), progress, mesh)
    shown = _shown(result, judge.task.ranked_by, panel_rows, panel)
    report = {
        "checkpoints": {name: str(network.origin) for name, network in networks.items()},
        "dataset": config.data.name,
        "split": split,
        "eval_size": config.data.eval_size,
        "canvas_mode": config.data.canvas_mode,
        "count": len(result.ids),
        "summary": _summary(result),
        "tables": _tables(judge, result),
        "panel": {"order": panel, **shown},
        "examples": _by_example(result),
    }
    columns = partial(_columns, jax.jit(judge.task.columns), outputs["network"])
    picture = draw(columns, batches(), shown["ids"])
    if judge.task.legend:
        picture = stack([picture, draw_legend(judge.task.legend, picture.shape[1])])
    return report, picture


def _prepared(
    prepare: Callable[[Batch], Batch], read: Callable[..., Iterator[EvalBatch]], **options: Any
) -> Iterator[EvalBatch]:
    for batch in read(**options):
        yield batch._replace(images=jax.device_get(prepare(batch.images)))


def network_output(network: TrainedGenerator) -> Output:
    """Returns the function from a batch to what a network makes of its inputs."""
    predict = jax.jit(network.task.predict)
    return lambda batch: predict(network.variables, batch["input"])


def _control(controls: Controls, name: str, batch: Batch) -> jax.Array:
    return controls(batch)[name]


def _summary(result: Evaluation) -> dict[str, dict[str, float]]:
    halves = target_halves(result.examples["network"])
    return result.summary | ({"target_halves": halves} if halves else {})


def _columns(columns: Columns, network: Output, batch: Batch) -> list[jax.Array]:
    return columns(batch, network(batch))


def _tables(judge: Judge, result: Evaluation) -> dict[str, list[dict[str, Any]]]:
    """Returns the task's tables, each with the lines of all rows below one another."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for row, outputs in result.examples.items():
        for name, lines in judge.tables(outputs).items():
            tables.setdefault(name, []).extend({"row": row, **line} for line in lines)
    return tables


def _shown(
    result: Evaluation, ranked_by: tuple[str, ...], count: int, order: str
) -> dict[str, Any]:
    """Returns the `ids` of the examples for the panel, and the `metric` that chose them."""
    scores = result.examples["network"]
    metric = next(name for name in ranked_by if name in scores)
    places = choose(scores[metric], count, order)
    return {"metric": metric, "ids": [result.ids[place] for place in places]}


def _by_example(result: Evaluation) -> list[dict[str, Any]]:
    """Returns one entry an example: its id, and its scores by row."""
    entries: list[dict[str, Any]] = [{"id": identity} for identity in result.ids]
    for row, outputs in result.examples.items():
        for index, entry in enumerate(entries):
            scores = by_example(outputs)
            entry[row] = {name: float(values[index]) for name, values in scores.items()}
    return entries


def as_json(report: dict[str, Any]) -> str:
    """Returns the report as JSON, in which a number that is not finite is null.

    JSON has no infinity, which is the PSNR of equal pictures, and many readers refuse the word.
    """
    return json.dumps(_finite(report), indent=1, allow_nan=False)


def _finite(value: Any) -> Any:
    """Returns a tree of dicts and lists with None for each float that is not finite."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_csv(lines: list[dict[str, Any]]) -> str:
    """Returns one of the report's tables as CSV, in which what is not finite is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, lines[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_finite(lines))
    return text.getvalue()


def as_table(report: dict[str, Any]) -> str:
    """Returns the summary as plain text: a line for each row, a column a metric.

    Distances of distributions, where there are any, are a second table below the first.
    """
    summary = report["summary"]
    metrics = list(summary["network"])
    of_sets = [name for name in metrics if name.startswith(_OF_SETS)]
    of_pairs = [name for name in metrics if name not in of_sets]
    text = _table(summary, of_pairs)
    if not of_sets:
        return text
    return f"{text}\n\nAs sets, by features of VGG16:\n{_table(summary, of_sets)}"


def _table(summary: dict[str, dict[str, float]], metrics: list[str]) -> str:
    """Returns a table of some metrics, for the rows that have them."""
    lines = [["", *(name.removeprefix(_OF_SETS) for name in metrics)]]
    rows = {row: scores for row, scores in summary.items() if metrics[0] in scores}
    lines += [[row, *(_text(scores[name]) for name in metrics)] for row, scores in rows.items()]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )


def _text(value: float) -> str:
    """Returns four decimals, or three digits of what is too small for them."""
    return f"{value:.2e}" if 0 < abs(value) < 0.001 else f"{value:.4f}"
