import shutil

import pytest

from tests.pix2pix_flax.data.shards import NAME


@pytest.fixture
def copied(dataset_dir, tmp_path):
    """A copy of the dataset that may be damaged: (data_dir, the version's folder)."""
    shutil.copytree(dataset_dir / NAME, tmp_path / NAME)
    return tmp_path, tmp_path / NAME / "2.0.0"
