"""Puts the sections of a report together, and writes the file."""

import html
import logging
import string
from pathlib import Path

from cartoon_tfds.files import atomic_write
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.report import gallery, sections
from pix2pix_flax.report.run import read_run

_TEMPLATE = Path(__file__).with_name("template")
_NAME = "report.html"

_log = logging.getLogger(__name__)


def write_report(
    workdir: Path,
    output: Path | None = None,
    *,
    choice: DatasetChoice | None = None,
    vgg16: bool = False,
) -> Path:
    """Writes a run as one HTML file, which asks for no other file, and returns its path.

    Args:
      workdir: the folder of the run.
      output: the file to write, which is replaced; None: `WORKDIR/report.html`.
      choice: a split on which the best step is evaluated; None: no evaluation.
      vgg16: whether this evaluation also gives the scores that need VGG16; see `score_checkpoint`.

    Raises:
      UserError: the folder holds no run, or the dataset of the evaluation is missing.
      OSError: the file cannot be written.
    """
    page = make_page(workdir, choice=choice, vgg16=vgg16)
    output = output or workdir / _NAME
    with atomic_write(output) as partial:
        partial.write_text(page, encoding="utf-8")
    return output


def write_at_end(workdir: Path) -> None:
    """Writes the report of a finished training; any error is a warning in the log."""
    try:
        _log.info("The run as a page: %s", write_report(workdir))
    except Exception as error:  # Whatever is wrong with the page, the training is done.
        _log.warning("The report of the run is left out: %s", error)


def make_page(workdir: Path, *, choice: DatasetChoice | None = None, vgg16: bool = False) -> str:
    """Returns the report of a run as HTML; see `write_report` for arguments and errors."""
    run = read_run(workdir)
    extremes = gallery.extremes(run, choice, vgg16=vgg16) if choice else ()
    parts = [
        ("Examples", gallery.examples(run)),
        ("How the pictures changed", gallery.strip(run)),
        ("Scores", sections.scores(run)),
        (f"Split {choice.split if choice else ''}", extremes),
        ("Curves", sections.curves(run)),
        ("Dataset", sections.dataset(run)),
        ("Settings", sections.settings(run)),
        ("Train it again", sections.again(run)),
        ("Written by", sections.machine()),
    ]
    body = [sections.header(run), *(sections.section(title, part) for title, part in parts)]
    files = {name: (_TEMPLATE / name).read_text("utf-8") for name in ("style.css", "script.js")}
    template = string.Template((_TEMPLATE / "page.html").read_text("utf-8"))
    return template.substitute(
        title=html.escape(run.name),
        style=files["style.css"],
        script=files["script.js"],
        body="\n".join(filter(None, body)),
    )
