"""The dataset that a checkpoint is evaluated on."""

import dataclasses
from collections.abc import Sequence

import ml_collections


@dataclasses.dataclass(frozen=True)
class DatasetChoice:
    """A split of a dataset; parts that are None are those of the training.

    Attributes:
      split: name of the split.
      name: name of the dataset, such as `cartoon_tfds/sample`.
      features: names of its images, as in `config.data.features`.
      data_dir: folder of the prepared datasets.
    """

    split: str = "test"
    name: str | None = None
    features: Sequence[str] | None = None
    data_dir: str | None = None

    def apply(self, config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
        """Returns a copy of the whole configuration with this dataset."""
        config = config.copy_and_resolve_references()
        config.data.name = self.name or config.data.name
        config.data.features = tuple(self.features or config.data.features)
        config.data.data_dir = self.data_dir or config.data.data_dir
        return config
