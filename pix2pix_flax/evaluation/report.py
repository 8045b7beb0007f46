"""The report on a checkpoint: its scores on a split, control rows, and a picture of examples."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from pix2pix_flax.data.pipeline import EvalBatch, eval_batches
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.evaluate import Evaluation, evaluate
from pix2pix_flax.evaluation.hints import hint_curve, hinted_outputs
from pix2pix_flax.evaluation.panel import Extremes, Output
from pix2pix_flax.evaluation.scorer import Batches, Scorer, by_example
from pix2pix_flax.evaluation.scorer_factory import make_scorer
from pix2pix_flax.metrics.feature_sets import SetsError
from pix2pix_flax.pretrained.generator import TrainedGenerator, load_generator
from pix2pix_flax.sharding import make_mesh
from pix2pix_flax.typing import Batch

_BATCH_SIZE = 8


@dataclasses.dataclass(frozen=True)
class Report:
    """The scores of a checkpoint on a split; its fields are the keys of the JSON file.

    Attributes:
      checkpoints: the step directory or file of each network, by row.
      dataset: name of the dataset.
      split: name of the split.
      eval_size: side to which examples were squeezed, in pixels; 0: each has its own size.
      canvas_mode: `scale_width` if `eval_size` is a width.
      count: number of examples.
      summary: scalars by row and by score.
      tables: tables by name, each a list of lines.
      panel: description of the picture; see `panel.show_pairs` and `panel.show_sets`.
      examples: one entry for each example: its id, and its scores by row.
    """

    checkpoints: dict[str, str]
    dataset: str
    split: str
    eval_size: int
    canvas_mode: str
    count: int
    summary: dict[str, dict[str, float]]
    tables: dict[str, list[dict[str, Any]]]
    panel: dict[str, Any]
    examples: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Scored:
    """The scores of a checkpoint, before a picture is drawn.

    Attributes:
      report: the report, with an empty `panel`.
      show: returns the description of a picture and the picture, uint8 [H, W, 3], for an order and
        a number of rows; see `panel.show_pairs` and `panel.show_sets`.
      extremes: returns so many examples at both ends of each score; see `Scorer.extremes`.
    """

    report: Report
    show: Callable[[str, int], tuple[dict[str, Any], np.ndarray]]
    extremes: Callable[[int], Extremes | None]


def evaluate_checkpoint(
    checkpoint: str | Path,
    choice: DatasetChoice,
    *,
    baseline: str | Path | None = None,
    vgg16: bool = True,
    panel: str = "spread",
    panel_rows: int = 6,
) -> tuple[Report, np.ndarray]:
    """Returns the report on a checkpoint, and a picture.

    Args:
      checkpoint: see `score_checkpoint`.
      choice: see `score_checkpoint`.
      baseline: see `score_checkpoint`.
      vgg16: see `score_checkpoint`.
      panel: the order of the examples in the picture; see `panel.choose`.
      panel_rows: number of examples in the picture; for sets, of rows and columns of each grid.

    Returns:
      The report, and uint8 RGB [H, W, 3]: see `panel.show_pairs` and `panel.show_sets`.

    Raises:
      UserError: naming the missing part.
    """
    scored = score_checkpoint(checkpoint, choice, baseline=baseline, vgg16=vgg16, order=panel)
    shown, picture = scored.show(panel, panel_rows)
    return dataclasses.replace(scored.report, panel={"order": panel, **shown}), picture


def score_checkpoint(
    checkpoint: str | Path,
    choice: DatasetChoice,
    *,
    baseline: str | Path | None = None,
    vgg16: bool = True,
    order: str = "spread",
) -> Scored:
    """Returns the scores of a checkpoint.

    The rows of the report are `network`; `baseline`, if a second network is given, for instance one
    that is trained on L1 alone; `hints_1` to `hints_100`, the network with so many colour hints, if
    it takes hints; the task's controls, such as `input`, the input itself taken as the
    output; and for distances of sets a row of real images against real images: `target_halves`,
    every other target against the targets between, or for generated images `real`, as many images
    of the training split. docs/evaluation.md explains each score.

    Args:
      checkpoint: a training run, a safetensors file or a name; see `load_generator`.
      choice: the examples.
      baseline: a second checkpoint on the same examples.
      vgg16: whether to give `lpips_vgg16` and the distances of distributions, which take long.
      order: an order in which examples will be shown, which is checked first.

    Raises:
      UserError: naming the missing part.
    """
    networks = _load({"network": checkpoint} | ({"baseline": baseline} if baseline else {}))
    config, split = choice.apply(networks["network"].config), choice.split
    scorer = make_scorer(config, vgg16=vgg16, order=order)
    read = partial(eval_batches, config, split=split, batch_size=_BATCH_SIZE)
    batches = partial(_prepared, jax.jit(scorer.task.prepare), read)
    outputs = {name: network_output(network) for name, network in networks.items()}
    outputs |= hinted_outputs(networks["network"]) | scorer.controls(batches)
    mesh = make_mesh(_BATCH_SIZE)
    progress = tqdm(batches(), unit="batch", disable=None)
    result = evaluate(scorer, scorer.rows(outputs, mesh), progress, mesh)
    report = Report(
        checkpoints={name: str(network.origin) for name, network in networks.items()},
        dataset=config.data.name,
        split=split,
        eval_size=config.sizes.evaluation,
        canvas_mode=config.data.canvas_mode,
        count=len(result.ids),
        summary=result.summary | scorer.real_row(result, config, split),
        tables=_tables(scorer, result),
        panel={},
        examples=_by_example(result),
    )
    drawn = outputs, batches, result
    return Scored(report, partial(scorer.show, *drawn), partial(scorer.extremes, *drawn))


def _load(named: dict[str, str | Path]) -> dict[str, TrainedGenerator]:
    """Returns networks by the name of their row.

    Raises:
      SetsError: one network takes images and the other seeds, or their results differ in size, so
        no table fits both.
    """
    networks = {name: load_generator(path) for name, path in named.items()}
    latent = [net.origin for net in networks.values() if net.task.input_kind == "latent"]
    if 0 < len(latent) < len(networks):
        raise SetsError(
            f"{latent[0]} makes images from seeds, and the other network from images: no table "
            "has both."
        )
    scales = {net.origin: net.task.resolution.scale for net in networks.values() if not latent}
    if len(set(scales.values())) > 1:
        listed = ", ".join(f"{origin} by {scale}" for origin, scale in scales.items())
        raise SetsError(f"The networks enlarge by different factors ({listed}): no table has both.")
    return networks


def _prepared(
    prepare: Callable[[Batch], Batch], read: Batches, **options: Any
) -> Iterator[EvalBatch]:
    for batch in read(**options):
        yield batch._replace(images=jax.device_get(prepare(batch.images)))


def network_output(network: TrainedGenerator) -> Output:
    """Returns the function from a batch to the network's outputs for its inputs."""
    predict = jax.jit(network.task.predict)
    return lambda batch: predict(network.variables, batch["input"])


def _tables(scorer: Scorer, result: Evaluation) -> dict[str, list[dict[str, Any]]]:
    """Returns the tables by name, each with the lines of all rows below one another."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for row, outputs in result.examples.items():
        for name, lines in scorer.tables(outputs).items():
            tables.setdefault(name, []).extend({"row": row, **line} for line in lines)
    if curve := hint_curve(result.summary):
        tables["hints"] = curve
    return tables


def _by_example(result: Evaluation) -> list[dict[str, Any]]:
    """Returns one entry for each example: its id, and its scores by row; empty without scores."""
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
