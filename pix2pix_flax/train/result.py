"""The best step of a run, and the last line of a finished training."""

from pathlib import Path

from pix2pix_flax.checkpoint.manager import find_checkpoint, read_metrics
from pix2pix_flax.report.run import use_of


def best_step(workdir: Path, config) -> tuple[Path, float | None]:
    """Returns the best step of a run, and its score; None if no step was evaluated."""
    metric = config.train.best_metric
    step = find_checkpoint(workdir, metric)
    return step, read_metrics(step).get(metric)


def result(config, workdir: Path, input_kind: str) -> str:
    """Returns a line on the best step of a finished run, and on the next commands."""
    best, score = best_step(workdir, config)
    scored = "" if score is None else f" ({config.train.best_metric} {score:.4g})"
    use = use_of(config.task, input_kind)
    return (
        f"Done. Best step: {best.name}{scored}. Next: {use} --checkpoint={workdir}, "
        f"or pix2pix-flax evaluate --checkpoint={workdir} --output=scores.json"
    )
