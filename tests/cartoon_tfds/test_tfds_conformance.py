"""TensorFlow Datasets' own test of a builder."""

import pytest
import tensorflow_datasets as tfds

pytest.importorskip("tensorflow", reason="tfds.testing needs TensorFlow")

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig


class CartoonTfdsTest(tfds.testing.DatasetBuilderTestCase):
    """Both configs: installed packages, and an archive (dummy_data/photos.tgz)."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = (
        CartoonConfig(name="few", description="Few views.", views_per_photo=2),
        "public",
    )
    SPLITS = {"train": 10, "validation": 2, "test": 4}  # noqa: RUF012
    DL_DOWNLOAD_RESULT = {"tf_flowers": "photos.tgz"}  # noqa: RUF012

    def _make_builder(self, config=None):
        # The test reads through tf.data, which cannot read ArrayRecord.
        return self.dataset_class(
            data_dir=self.tmp_dir, config=config, version=self.VERSION, file_format="tfrecord"
        )
