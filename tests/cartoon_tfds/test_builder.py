"""The prepared dataset: complete, repeatable, split by photograph, and made without TensorFlow."""

import ast
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

import cartoon_tfds
from cartoon_tfds import cartoon_tfds_dataset_builder as builder_module
from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
from cartoon_tfds.provenance import SPLITS, split_of
from cartoon_tfds.sources import PACKAGED

# Builds in a process of its own, so that no other test can have imported TensorFlow before.
BUILD = """
import sys
from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
config = CartoonConfig(name="few", description="Few views.", views_per_photo=2)
Builder(config=config, data_dir=sys.argv[1]).download_and_prepare()
print("tensorflow" in sys.modules)
"""
READ = """
import hashlib, json, sys
import tensorflow_datasets as tfds
result = {}
for split in ("train", "validation", "test"):
    source = tfds.data_source("cartoon_tfds/few", split=split, data_dir=sys.argv[1])
    records = [source.data_source[index] for index in range(len(source))]
    result[split] = [hashlib.sha256(record).hexdigest() for record in records]
    assert source[0]["photo"].shape == source[0]["cartoon"].shape
assert "tensorflow" not in sys.modules and "cartoon_tfds" not in sys.modules
print(json.dumps(result))
"""


def _run(script, *arguments):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def _all(by_split):
    return list(itertools.chain.from_iterable(by_split.values()))


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A prepared dataset of two views of each packaged photograph."""
    folder = tmp_path_factory.mktemp("data")
    assert _run(BUILD, folder) == "False"
    return folder


@pytest.fixture(scope="module")
def examples(data_dir):
    """All examples by split, decoded."""
    return {
        split: list(tfds.data_source("cartoon_tfds/few", split=split, data_dir=data_dir))
        for split in SPLITS
    }


def test_files_are_array_record(data_dir):
    files = {path.name for path in (data_dir / "cartoon_tfds" / "few" / "1.0.0").iterdir()}
    shards = {f"cartoon_tfds-{split}.array_record-00000-of-00001" for split in SPLITS}
    assert files == shards | {"dataset_info.json", "features.json"}


def test_two_builds_give_equal_records(data_dir, tmp_path):
    _run(BUILD, tmp_path)
    first, second = json.loads(_run(READ, data_dir)), json.loads(_run(READ, tmp_path))
    assert first == second
    hashes = _all(first)
    assert len(set(hashes)) == len(hashes) == 16


def test_every_split_holds_its_photographs_and_no_other(examples):
    for split in SPLITS:
        expected = [item.photo_id for item in PACKAGED if split_of(item.sha256) == split]
        names = [example["photo_id"].decode() for example in examples[split]]
        assert sorted(names) == sorted(2 * expected)
        assert names


def test_pairs_are_pictures_on_one_grid(examples):
    for example in _all(examples):
        photo, cartoon = example["photo"], example["cartoon"]
        assert photo.dtype == cartoon.dtype == np.uint8
        assert photo.shape == cartoon.shape
        assert min(photo.shape[:2]) == 256
        assert photo.shape[-1] == 3
        # The same scene, yet not the same picture.
        difference = np.abs(photo.astype(float) - cartoon)
        assert 0.5 < difference.mean() < 60
        flipped = np.abs(photo[:, ::-1].astype(float) - cartoon)
        assert difference.mean() < flipped.mean()


def test_channels_are_red_green_blue(examples):
    astronaut = [e for e in examples["train"] if e["photo_id"] == b"astronaut"]
    for example in astronaut:  # in an orange suit
        for picture in (example["photo"], example["cartoon"]):
            red, _, blue = picture.reshape(-1, 3).mean(0)
            assert red > blue + 10


def test_provenance_of_every_example(examples):
    licenses = {item.photo_id: item.license for item in PACKAGED}
    for example in _all(examples):
        name = example["photo_id"].decode()
        assert example["license"].decode() == licenses[name]
        assert example["style"] == b"ink"
        item = next(item for item in PACKAGED if item.photo_id == name)
        assert item.distribution in example["source"].decode()
        assert item.file in example["source"].decode()


def test_first_view_keeps_the_photographs_shape(examples):
    wide = [e["photo"].shape for e in examples["test"] if e["photo_id"] == b"coffee"]
    assert sorted(wide) == [(256, 256, 3), (256, 384, 3)]


def test_configs_in_the_order_a_plain_build_takes():
    assert [config.name for config in Builder.BUILDER_CONFIGS] == ["sample", "public"]
    assert Builder.BUILDER_CONFIGS[0].views_per_photo * 5 >= 300  # five photographs in train


def test_prepared_dataset_of_another_format_can_be_opened(data_dir, tmp_path):
    config = CartoonConfig(name="other", description="Other.", views_per_photo=1)
    assert Builder(config=config, data_dir=tmp_path).info.file_format.value == "array_record"
    other = Builder(config=config, data_dir=tmp_path, file_format="tfrecord")
    assert other.info.file_format.value == "tfrecord"


def test_builder_module_holds_one_builder_and_imports_absolutely():
    builders = [
        value
        for value in vars(builder_module).values()
        if isinstance(value, type) and issubclass(value, tfds.core.DatasetBuilder)
    ]
    assert builders == [Builder]


def test_package_imports_neither_jax_nor_the_other_package():
    for path in Path(cartoon_tfds.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", ()) if hasattr(alias, "name")]
            names.append(getattr(node, "module", None) or "")
            roots = {name.split(".")[0] for name in names}
            assert not roots & {"jax", "flax", "pix2pix_flax", "tensorflow"}, path
