"""TensorFlow Datasets' own test of a builder."""

from pathlib import Path

import pytest
import tensorflow_datasets as tfds

pytest.importorskip("tensorflow", reason="tfds.testing needs TensorFlow")

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
from cartoon_tfds.recipes.cartoons import Cartoons


class CartoonTfdsTest(tfds.testing.DatasetBuilderTestCase):
    """Of photographs in installed packages, for which nothing has to stand in."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = (
        CartoonConfig(name="few", description="Few views.", recipe=Cartoons(views_per_photo=2)),
    )
    SPLITS = {"train": 10, "validation": 2, "test": 4}  # noqa: RUF012
    EXAMPLE_DIR = Path(__file__).parent  # it wants a folder of examples; nothing is read from it

    def _make_builder(self, config=None):
        # The test reads through tf.data, which cannot read ArrayRecord.
        return self.dataset_class(
            data_dir=self.tmp_dir, config=config, version=self.VERSION, file_format="tfrecord"
        )
