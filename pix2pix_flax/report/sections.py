"""The sections of a report on numbers and settings, as HTML."""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pix2pix_flax.data.source import has_part_of
from pix2pix_flax.metrics.ranking import HIGHER_IS_BETTER, rank
from pix2pix_flax.report.chart import draw_chart, short
from pix2pix_flax.report.description import leaves, main_values
from pix2pix_flax.report.pictures import data_uri
from pix2pix_flax.report.run import Run, config_file, environment, splits
from pix2pix_flax.report.scalars import Series

_VALIDATION, _BEST = "validation/", "best/"
_SHOWN_DIGITS = 16  # of a fingerprint


def section(title: str, parts: Iterable[str]) -> str:
    """Returns a section with a headline; "" if it has no parts."""
    content = "\n".join(filter(None, parts))
    return f"<section>\n<h2>{html.escape(title)}</h2>\n{content}\n</section>" if content else ""


def table(rows: Iterable[Sequence[Any]], head: Sequence[str] = (), kind: str = "") -> str:
    """Returns a table that scrolls in a narrow window.

    Args:
      rows: the cells of each line.
      head: the names of the columns.
      kind: a class of the style sheet.
    """
    lines = ["".join(f"<td>{_breakable(str(cell), '/')}</td>" for cell in row) for row in rows]
    named = "".join(f"<th>{_breakable(name, '_')}</th>" for name in head)
    top = f"<thead><tr>{named}</tr></thead>" if head else ""
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="scroll"><table class="{kind}">{top}<tbody>{body}</tbody></table></div>'


def _breakable(text: str, mark: str) -> str:
    """Returns a text as HTML that a narrow window can break after each `mark`."""
    return html.escape(text).replace(mark, f"{mark}<wbr>")


def header(run: Run) -> str:
    """Returns the headline and the main facts."""
    config = run.config
    best = config.train.best_metric
    steps = max((series.steps[-1] for series in run.scalars), default=run.step)
    facts = [f"best step {run.step:,}", f"{steps:,} steps", f"batches of {config.train.batch_size}"]
    if best in run.metrics:
        facts.insert(1, f"{best} {short(run.metrics[best])}")
    items = "".join(f"<li>{html.escape(fact)}</li>" for fact in facts)
    task = f"{config.task} on {config.data.name}, generator {config.generator.name}"
    return (
        f"<header>\n<h1>{html.escape(run.name)}</h1>\n<p>{html.escape(task)}</p>\n"
        f'<ul class="facts">{items}</ul>\n</header>'
    )


def curves(run: Run) -> Iterator[str]:
    """Yields the charts of all scalars: validation first, then losses, then the speed."""
    by_group: dict[str, list[Series]] = {}
    for series in run.scalars:
        by_group.setdefault(series.name.partition("/")[0], []).append(series)
    by_group.pop(_BEST.rstrip("/"), None)  # a running maximum of a curve that is shown
    last = ["speed"]
    first = [_VALIDATION.rstrip("/")]
    middle = sorted(by_group.keys() - {*first, *last})
    for group in [name for name in (*first, *middle, *last) if name in by_group]:
        charts = "\n".join(map(_curve, by_group[group]))
        yield f'<h3>{html.escape(group)}</h3>\n<div class="cards">{charts}</div>'


def _curve(series: Series) -> str:
    name = series.name.partition("/")[2] or series.name
    if series.name.startswith(_VALIDATION):
        name += " ↑" if name in HIGHER_IS_BETTER else " ↓"
        shown = f"best {short(max(series.values, key=lambda value: rank(name[:-2], value)))}"
    else:
        shown = f"last {short(series.values[-1])}"
    return (
        f'<figure class="card curve"><figcaption><b>{html.escape(name)}</b>'
        f"<output>{shown}</output></figcaption>"
        f"{draw_chart(series.steps, series.values)}</figure>"
    )


def scores(run: Run) -> Iterator[str]:
    """Yields the scores of the best step, and the tables of all evaluations in the folder."""
    if run.metrics:
        yield f"<h3>Validation at step {run.step:,}</h3>"
        yield summary_table({"network": run.metrics})
    for name, report in run.evaluations.items():
        count, dataset, split = report["count"], report.get("dataset", ""), report["split"]
        title = f"{name}: {count} examples of {dataset}, split {split}"
        yield f"<h3>{html.escape(title)}</h3>"
        yield summary_table(report["summary"])


def summary_table(summary: Mapping[str, Mapping[str, float | None]]) -> str:
    """Returns a table of scores: a line for each row, a column for each score.

    Args:
      summary: values by row and by score; None: the value is not finite.
    """
    metrics = list(dict.fromkeys(name for values in summary.values() for name in values))
    head = [
        "",
        *(
            f"{name}\N{NO-BREAK SPACE}{'↑' if name in HIGHER_IS_BETTER else '↓'}"
            for name in metrics
        ),
    ]
    rows = [[row, *(_cell(values, name) for name in metrics)] for row, values in summary.items()]
    return table(rows, head, "numbers")


def _cell(values: Mapping[str, float | None], name: str) -> str:
    if name not in values:
        return ""
    return "not finite" if values[name] is None else short(values[name])


def settings(run: Run) -> Iterator[str]:
    """Yields the main values of the configuration, and all values folded."""
    yield table((f"config.{name}", value) for name, value in main_values(run.config).items())
    hidden = ("data.data_dir", "init_from")  # paths, which may be private
    rows = [(f"config.{name}", repr(value)) for name, value in leaves(run.config)]
    rows = [row for row in rows if row[0].removeprefix("config.") not in hidden]
    yield f"<details><summary>All {len(rows)} values</summary>{table(rows)}</details>"


def dataset(run: Run) -> Iterator[str]:
    """Yields the dataset, its splits and its fingerprint."""
    data = run.config.data
    rows = [("dataset", data.name), ("features", ", ".join(data.features))]
    read = {"training": data.train_split, "validation": data.validation_split}
    for name, count in splits(run.config).items():
        uses = ", ".join(use for use, split in read.items() if has_part_of(split, name))
        rows.append((f"split {name}", f"{count:,} examples{f' ({uses})' if uses else ''}"))
    rows.append(("fingerprint", run.fingerprint[:_SHOWN_DIGITS] or "unknown"))
    yield table(rows)
    yield (
        '<p class="faint">The fingerprint changes with the examples of the training, their order '
        "or their preparation.</p>"
    )


def again(run: Run) -> Iterator[str]:
    """Yields how to train and to use the network again, and the configuration as a file."""
    stem = "".join(letter if letter.isalnum() else "_" for letter in run.name)
    link = data_uri(config_file(run.config).encode(), "text/x-python")
    yield (
        f'<p><a class="button" download="{stem}.py" href="{link}">'
        f"Save the configuration {stem}.py</a></p>"
    )
    needed = " --vgg16" if run.input_kind == "latent" else ""  # sets have no other scores
    commands = [
        f"pix2pix-flax train --config={stem}.py --workdir=runs/{stem}",
        f"{run.use} --checkpoint=runs/{stem}",
        f"pix2pix-flax report runs/{stem} --split=test{needed}",
    ]
    yield f'<pre class="card">{html.escape(chr(10).join(commands))}</pre>'


def machine() -> Iterator[str]:
    """Yields the versions and the devices of the process that writes the report."""
    yield table(environment().items())
