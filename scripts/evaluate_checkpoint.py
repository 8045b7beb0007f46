"""Scores a checkpoint on a split of a dataset, beside control rows.

    python scripts/evaluate_checkpoint.py --checkpoint=DIR --split=test --output=FILE.json

Writes the scores of each example and their means to FILE.json, input | target | output of a few
examples to FILE.png, and prints the table. Of label maps there are also the scores of each class in
FILE.classes.csv. Of a network that makes pictures of noise as many as the split has are compared
with those of the split, as sets, and FILE.png has a grid of each. docs/evaluation.md says what the
scores mean.
"""

from pathlib import Path

from absl import flags

from cartoon_tfds.images import write_png
from pix2pix_flax.cli import command
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.panel import ORDERS
from pix2pix_flax.evaluation.report import evaluate_checkpoint
from pix2pix_flax.evaluation.report_text import as_csv, as_json, as_table, caption, title

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "A training run (its best step, else its latest), one of its steps, a safetensors file, or the "
    "name of a network that comes with the package (lite, lite_x4).",
)
_DATASET = flags.DEFINE_string(
    "dataset", None, "Its name, such as cartoon_tfds/sample, if not that of the training."
)
_FEATURES = flags.DEFINE_list(
    "features", None, "What its pictures are called, such as photo,cartoon or image, likewise."
)
_SPLIT = flags.DEFINE_string("split", "test", "Which split of the dataset.")
_OUTPUT = flags.DEFINE_string("output", None, "The JSON file to write; the picture lies beside it.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where the dataset lies, if not where it lay.")
_BASELINE = flags.DEFINE_string("baseline", None, "A second checkpoint, such as one on L1 alone.")
_VGG16 = flags.DEFINE_bool(
    "vgg16",
    True,
    "Score through VGG16 as well: lpips_vgg16 and the distances of distributions. On a CPU that "
    "takes far longer than all else. Pictures of noise have no other scores.",
)
_PANEL = flags.DEFINE_enum(
    "panel",
    "spread",
    ORDERS,
    "Which examples are in the picture, by LPIPS, or by L1 without it (label maps: by the share of "
    "wrong pixels): from the best over the median to the worst, the best ones, or the worst ones. "
    "Pictures of noise are not ordered.",
)
_PANEL_ROWS = flags.DEFINE_integer(
    "panel_rows",
    6,
    "Examples in the picture; where sets are compared, rows and columns of each grid.",
    lower_bound=1,
)


def main(argv: list[str]) -> None:
    """Evaluates and writes."""
    del argv
    output = Path(_OUTPUT.value).expanduser()
    if output.suffix != ".json":  # the picture's name follows from it
        raise ValueError(f"--output={output} does not end in .json.")
    output.parent.mkdir(parents=True, exist_ok=True)
    report, panel = evaluate_checkpoint(
        _CHECKPOINT.value,
        DatasetChoice(_SPLIT.value, _DATASET.value, _FEATURES.value, _DATA_DIR.value),
        baseline=_BASELINE.value,
        vgg16=_VGG16.value,
        panel=_PANEL.value,
        panel_rows=_PANEL_ROWS.value,
    )
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


if __name__ == "__main__":
    flags.mark_flags_as_required(["checkpoint", "output"])
    command.run(main)
