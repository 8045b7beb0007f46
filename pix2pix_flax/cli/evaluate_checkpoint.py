"""Scores a checkpoint and control rows on a split of a dataset.

    python scripts/evaluate_checkpoint.py --checkpoint=DIR --split=test --output=FILE.json

Writes the scores of each example and their means to FILE.json, writes input | target | output of a
few examples to FILE.png, and prints the table. For label maps, FILE.classes.csv holds the scores of
each class. A network that makes pictures from noise makes as many as the split has; both sets are
compared as a whole, and FILE.png shows a grid of each. docs/evaluation.md explains the scores.
"""

from pathlib import Path

from absl import flags

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import write_png
from pix2pix_flax.cli import checkpoint_flag, dataset_flags
from pix2pix_flax.cli.checkpoint_flag import CHECKPOINT
from pix2pix_flax.cli.dataset_flags import DATA_DIR, DATASET
from pix2pix_flax.cli.paths import PATH

REQUIRED = ("checkpoint", "output")
flags.adopt_module_key_flags(checkpoint_flag)
flags.adopt_module_key_flags(dataset_flags)
_FEATURES = flags.DEFINE_list(
    "features",
    None,
    "Names of the dataset's picture features, such as photo,cartoon or image; default: the "
    "training's.",
)
_SPLIT = flags.DEFINE_string("split", "test", "Split of the dataset to score.")
_OUTPUT = flags.DEFINE(
    PATH, "output", None, "JSON file to write; the picture gets the same name with .png."
)
_BASELINE = flags.DEFINE(
    PATH, "baseline", None, "Second checkpoint to score, such as a network trained on L1 alone."
)
_VGG16 = flags.DEFINE_bool(
    "vgg16",
    True,
    "Also compute the scores that need VGG16: lpips_vgg16 and the distances between sets. On a CPU "
    "they take far longer than all other scores. Pictures made from noise have no other scores.",
)
_PANEL = flags.DEFINE_enum(
    "panel",
    "spread",
    ["spread", "best", "worst"],
    "Examples in the picture: spread (from the best over the median to the worst), best or worst. "
    "They are ordered by LPIPS, or by L1 without its weights; label maps by the share of wrong "
    "pixels. Pictures made from noise are not ordered.",
)
_PANEL_ROWS = flags.DEFINE_integer(
    "panel_rows",
    6,
    "Number of examples in the picture; for pictures from noise, rows and columns of each grid.",
    lower_bound=1,
)


def main(argv: list[str]) -> None:
    """Scores the checkpoint; writes the report and the picture."""
    del argv
    output = Path(_OUTPUT.value)
    if output.suffix != ".json":  # the picture gets this name with .png
        raise UserError(f"--output={output} does not end in .json.")
    # Imported here, so that a wrong flag fails at once, before JAX takes seconds to load.
    from pix2pix_flax.data.source import MissingDatasetError
    from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
    from pix2pix_flax.evaluation.report import evaluate_checkpoint
    from pix2pix_flax.evaluation.report_text import as_csv, as_json, as_table, caption, title

    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        report, panel = evaluate_checkpoint(
            CHECKPOINT.value,
            DatasetChoice(_SPLIT.value, DATASET.value, _FEATURES.value, DATA_DIR.value),
            baseline=_BASELINE.value,
            vgg16=_VGG16.value,
            panel=_PANEL.value,
            panel_rows=_PANEL_ROWS.value,
        )
    except MissingDatasetError as error:
        if DATASET.value:
            raise
        advice = "The network was trained on it; --dataset and --data_dir name another"
        raise UserError(f"{error}. {advice}") from error
    output.write_text(as_json(report) + "\n")
    write_png(output.with_suffix(".png"), panel)
    print(title(report))
    print(as_table(report))
    print(f"Scores: {output}")
    for name, lines in report.tables.items():
        table = output.with_suffix(f".{name}.csv")
        table.write_text(as_csv(lines))
        print(f"Table: {table}")
    print(f"Picture: {output.with_suffix('.png')}, {caption(report)}")
