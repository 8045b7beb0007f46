"""A report as text: JSON, tables for the terminal, and CSV."""

import csv
import dataclasses
import io
import json
import math
from typing import Any

from pix2pix_flax.evaluation.report import Report

_OF_SETS = "vgg16_"  # the first letters of the distances of distributions


def as_json(report: Report) -> str:
    """Returns the report as JSON, in which a number that is not finite is null.

    JSON has no infinity, which is the PSNR of equal pictures, and many readers refuse the word.
    """
    return json.dumps(_finite(dataclasses.asdict(report)), indent=1, allow_nan=False)


def _finite(value: Any) -> Any:
    """Returns a tree of dicts and lists with None for each float that is not finite."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_csv(lines: list[dict[str, Any]]) -> str:
    """Returns one table of the report as CSV; a number that is not finite is an empty field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, lines[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_finite(lines))
    return text.getvalue()


def as_table(report: Report) -> str:
    """Returns the summary as plain text: a line for each row, a column for each score.

    Distances of distributions follow as a second table.
    """
    summary = report.summary
    metrics = list(summary["network"])
    of_sets = [name for name in metrics if name.startswith(_OF_SETS)]
    of_pairs = [name for name in metrics if name not in of_sets]
    tables = [_table(summary, of_pairs)] if of_pairs else []
    if of_sets:
        tables.append(f"As sets, by features of VGG16:\n{_table(summary, of_sets)}")
    return "\n\n".join(tables)


def title(report: Report) -> str:
    """Returns the headline: the number, the dataset and the size of the examples."""
    size = report.eval_size
    squeezed = f"squeezed to {size}x{size}"
    scaled = f"scaled to width {size}" if report.canvas_mode == "scale_width" else squeezed
    sizes = scaled if size else "each in its own size"
    return f"{report.count} examples of {report.dataset}, split {report.split}: {sizes}"


def caption(report: Report) -> str:
    """Returns the caption of the picture."""
    panel = report.panel
    if "grids" in panel:
        return f"from left to right: {', '.join(panel['grids'])}"
    chosen = {"spread": "from the best to the worst", "best": "the best", "worst": "the worst"}
    return f"{chosen[panel['order']]} by {panel['metric']}"


def _table(summary: dict[str, dict[str, float]], metrics: list[str]) -> str:
    """Returns a table of some scores, with the rows that have them."""
    lines = [["", *(name.removeprefix(_OF_SETS) for name in metrics)]]
    rows = {row: scores for row, scores in summary.items() if metrics[0] in scores}
    lines += [[row, *(_text(scores[name]) for name in metrics)] for row, scores in rows.items()]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )


def _text(value: float) -> str:
    """Returns four decimals, or three digits if the number is too small for four decimals."""
    return f"{value:.2e}" if 0 < abs(value) < 0.001 else f"{value:.4f}"
