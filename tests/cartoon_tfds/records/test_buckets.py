"""Records beyond the memory are sorted in files, with and without TensorFlow."""

from pathlib import Path

BUILD = """
import sys
from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.records import buckets

buckets._IN_MEMORY = 50_000
config = CartoonConfig(name="tiny", recipe=Cartoons(views_per_photo=4, view_size=64))
Builder(config=config, data_dir=sys.argv[1]).download_and_prepare()
"""


def _files(data_dir):
    folder = Path(data_dir) / "cartoon_tfds" / "tiny" / "2.0.0"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_records_beyond_the_memory_are_those_in_memory(
    run_without_tensorflow, dataset_dir, tmp_path
):
    done = run_without_tensorflow("-c", BUILD, tmp_path)
    assert done.returncode == 0, done.stderr
    found = _files(tmp_path)
    assert len(found["cartoon_tfds-train.array_record-00000-of-00001"]) > 2 * 50_000
    assert found == _files(dataset_dir)
