"""Writes a training run as one HTML file: pictures, curves, scores, settings.

    pix2pix-flax report runs/demo                     # writes runs/demo/report.html
    pix2pix-flax report runs/demo --split=test --output=demo.html

The file opens in any browser without a network. Each finished training has written it already; this
command adds later evaluations (JSON files of pix2pix-flax evaluate in the folder of the run) and,
with --split, the worst and the best examples of a split.
"""

from pathlib import Path

from absl import flags

from cartoon_tfds.errors import UserError
from pix2pix_flax.cli import dataset_flags
from pix2pix_flax.cli.dataset_flags import DATA_DIR, DATASET
from pix2pix_flax.cli.paths import PATH

REQUIRED = ()
WORDS_FLAG = "run"
flags.adopt_module_key_flags(dataset_flags)
_RUN = flags.DEFINE(PATH, "run", None, "Folder of the run.")
_OUTPUT = flags.DEFINE(PATH, "output", None, "HTML file to write; by default RUN/report.html.")
_SPLIT = flags.DEFINE_string(
    "split", None, "Evaluate the best step on this split, and show the worst and best examples."
)
_VGG16 = flags.DEFINE_bool(
    "vgg16", False, "In this evaluation, also compute the scores that need VGG16, which take long."
)


def main(argv: list[str]) -> None:
    """Writes the report of the run that the flags name."""
    del argv
    if not _RUN.value:
        raise UserError("name a run: pix2pix-flax report runs/demo")
    output = Path(_OUTPUT.value) if _OUTPUT.value else None
    if output and output.suffix != ".html":
        raise UserError(f"--output={output} does not end in .html.")
    # Imported here, so that a wrong flag fails at once.
    from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
    from pix2pix_flax.report.page import write_report

    choice = None
    if _SPLIT.value:
        choice = DatasetChoice(_SPLIT.value, DATASET.value, data_dir=DATA_DIR.value)
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
    path = write_report(Path(_RUN.value), output, choice=choice, vgg16=_VGG16.value)
    print(f"{path}: the run as a page, {path.stat().st_size / 1e6:.1f} MB")
