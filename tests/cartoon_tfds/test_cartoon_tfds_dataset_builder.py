"""The prepared dataset: complete, repeatable, split by photograph, and made without TensorFlow."""

import ast
import dataclasses
import hashlib
import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

import cartoon_tfds
from cartoon_tfds import cartoon_tfds_dataset_builder as builder_module
from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
from cartoon_tfds.files import InUseError
from cartoon_tfds.generation.work_folder import work_folder
from cartoon_tfds.images import read_image
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.views import View, cut_view
from cartoon_tfds.records import manifest
from cartoon_tfds.sources.base import Local, SourceError
from cartoon_tfds.sources.packaged import PACKAGED, Packaged, iter_packaged
from cartoon_tfds.sources.splits import SPLITS, split_of
from cartoon_tfds.styles import STYLES, cartoonize
from tests.commands import run_command

# Builds in a process of its own, so that no other test can have imported TensorFlow before.
BUILD = """
import sys
from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, BuildOptions, CartoonConfig
from cartoon_tfds.recipes.cartoons import Cartoons
config = CartoonConfig(name="few", recipe=Cartoons(views_per_photo=2))
options = BuildOptions(workers=int(sys.argv[2]))
Builder(config=config, data_dir=sys.argv[1], options=options).download_and_prepare()
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
    done = run_command("-c", script, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def _all(by_split):
    return list(itertools.chain.from_iterable(by_split.values()))


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A prepared dataset of two views of each packaged photograph."""
    folder = tmp_path_factory.mktemp("data")
    assert _run(BUILD, folder, 1) == "False"
    return folder


@pytest.fixture(scope="module")
def examples(data_dir):
    """All examples by split, decoded."""
    return {
        split: list(tfds.data_source("cartoon_tfds/few", split=split, data_dir=data_dir))
        for split in SPLITS
    }


def test_files_are_array_record(data_dir):
    files = {path.name for path in (data_dir / "cartoon_tfds" / "few" / "2.0.0").iterdir()}
    shards = {f"cartoon_tfds-{split}.array_record-00000-of-00001" for split in SPLITS}
    described = {"dataset_info.json", "features.json", "manifest.jsonl", "croissant.json"}
    assert files == shards | described


def test_two_builds_give_equal_records_on_any_number_of_cores(data_dir, tmp_path):
    _run(BUILD, tmp_path, 3)
    first, second = json.loads(_run(READ, data_dir)), json.loads(_run(READ, tmp_path))
    assert first == second
    hashes = _all(first)
    assert len(set(hashes)) == len(hashes) == 16


def test_every_split_holds_its_photographs_and_no_other(examples):
    for split in SPLITS:
        expected = [item.photo_id for item in PACKAGED if split_of(item.sha256) == split]
        names = [example["id"].decode() for example in examples[split]]
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
    astronaut = [e for e in examples["train"] if e["id"] == b"astronaut"]
    for example in astronaut:  # in an orange suit
        for picture in (example["photo"], example["cartoon"]):
            red, _, blue = picture.reshape(-1, 3).mean(0)
            assert red > blue + 10


def test_provenance_of_every_example(examples):
    for example in _all(examples):
        name = example["id"].decode()
        item = next(item for item in PACKAGED if item.photo_id == name)
        assert example["license"].decode() == item.license
        assert example["theme"].decode() == item.theme
        assert example["sha256"].decode() == item.sha256
        assert item.distribution in example["source"].decode()
        assert item.file in example["source"].decode()
        assert example["style"] == b"ink"
        assert example["strength"] == 1
        assert example["style_version"] == STYLES["ink"].version


def test_every_view_can_be_cut_out_again(examples):
    photos = {photo.photo_id: photo for photo in iter_packaged()}
    for example in examples["test"]:
        pixels = read_image(photos[example["id"].decode()].data)
        height, width = example["photo"].shape[:2]
        view = View(*(int(number) for number in example["view"]), width, height)
        np.testing.assert_array_equal(cut_view(pixels, view), example["photo"])
        cartoon = cartoonize(example["photo"], "ink", line_width=2.0)
        np.testing.assert_array_equal(cartoon, example["cartoon"])


def test_first_view_keeps_the_photographs_shape(examples):
    wide = [e["photo"].shape for e in examples["test"] if e["id"] == b"coffee"]
    assert sorted(wide) == [(256, 256, 3), (256, 384, 3)]


def test_configs_in_the_order_a_plain_build_takes():
    assert [config.name for config in Builder.BUILDER_CONFIGS] == ["sample", "public"]
    assert Builder.BUILDER_CONFIGS[0].recipe.views_per_photo * 5 >= 300  # five photographs in train


def test_prepared_dataset_of_another_format_can_be_opened(data_dir, tmp_path):
    config = CartoonConfig(name="other")
    assert Builder(config=config, data_dir=tmp_path).info.file_format.value == "array_record"
    other = Builder(config=config, data_dir=tmp_path, file_format="tfrecord")
    assert other.info.file_format.value == "tfrecord"


def _few(folder, *, name="few", views=2, limit=None, mode=None):
    """Builds two views of each packaged photograph, or of the first `limit` ones of a split."""
    config = CartoonConfig(name=name, recipe=Cartoons(views_per_photo=views, view_size=64))
    settings = tfds.download.DownloadConfig(max_examples_per_split=limit)
    if mode:
        settings = dataclasses.replace(settings, download_mode=mode)
    builder = Builder(config=config, data_dir=folder)
    builder.download_and_prepare(download_config=settings)
    return {split: info.num_examples for split, info in builder.info.splits.items()}


def test_small_build_is_not_taken_for_a_full_one(tmp_path):
    assert _few(tmp_path, limit=1) == {"train": 1, "validation": 1, "test": 1}
    with pytest.raises(SourceError, match="max_examples_per_split: 1 instead of None; --overwrite"):
        _few(tmp_path)
    assert _few(tmp_path, limit=1)["train"] == 1  # the same again is there
    full = _few(tmp_path, mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS)
    assert full == {"train": 10, "validation": 2, "test": 4}


def test_small_build_draws_no_more_than_it_needs(tmp_path, monkeypatch):
    made = []
    make = Cartoons.make
    monkeypatch.setattr(Cartoons, "make", lambda *args: made.append(args) or make(*args))
    _few(tmp_path, limit=1)
    assert len(made) == 3


def test_name_of_another_dataset_is_refused(tmp_path):
    _few(tmp_path)
    with pytest.raises(SourceError, match="recipe: views_per_photo 2 instead of 3; --overwrite"):
        _few(tmp_path, views=3)
    config = CartoonConfig(
        name="few",
        origin=Local(Packaged(PACKAGED[:3])),
        recipe=Cartoons(views_per_photo=2, view_size=64),
    )
    with pytest.raises(SourceError, match=r"photographs: [0-9a-f]{64} instead of [0-9a-f]{64}"):
        Builder(config=config, data_dir=tmp_path).download_and_prepare()


def test_dataset_without_manifest_is_refused(tmp_path):
    _few(tmp_path)
    (tmp_path / "cartoon_tfds" / "few" / "2.0.0" / manifest.NAME).unlink()
    with pytest.raises(SourceError, match="no manifest: its build did not end"):
        _few(tmp_path)


def test_only_one_process_builds_a_dataset(tmp_path):
    with work_folder(tmp_path, "few"):
        with pytest.raises(InUseError, match=f"is in use by process {os.getpid()} on "):
            _few(tmp_path)
        assert _few(tmp_path, name="other")["train"] == 10
    assert _few(tmp_path)["train"] == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cartoon_tfds", "downloads"]


_TWO_PROCESSES = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


@pytest.mark.parametrize("flags", [(), pytest.param(_TWO_PROCESSES, marks=pytest.mark.long)])
def test_beam_writes_equal_files(flags, tmp_path):
    beam_options = pytest.importorskip("apache_beam.options.pipeline_options")
    assert _few(tmp_path / "threads")["train"] == 10
    config = CartoonConfig(name="few", recipe=Cartoons(views_per_photo=2, view_size=64))
    settings = tfds.download.DownloadConfig(
        beam_options=beam_options.PipelineOptions(["--runner=DirectRunner", *flags])
    )
    builder = Builder(config=config, data_dir=tmp_path / "beam")
    builder.download_and_prepare(download_config=settings)
    found = _hashes(tmp_path / "beam")
    assert found == _hashes(tmp_path / "threads")
    assert "manifest.jsonl" in found
    assert sum("array_record" in name for name in found) == 3


def _hashes(data_dir):
    folder = data_dir / "cartoon_tfds" / "few" / "2.0.0"
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


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
