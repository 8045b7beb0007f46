"""The flags of scripts that read another dataset than the training run of a checkpoint did."""

from absl import flags

from pix2pix_flax.cli.paths import PATH

DATASET = flags.DEFINE_string(
    "dataset", None, "Name of the dataset, such as cartoon_tfds/sample; default: the training's."
)
DATA_DIR = flags.DEFINE(
    PATH, "data_dir", None, "Folder of prepared datasets; default: the training's."
)
