"""The dataset as users of TensorFlow Datasets have it: `tfds build`, tf.data, data sources."""

import pytest
import tensorflow_datasets as tfds

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.sources.base import SourceError
from tests.commands import run_command

# `tfds`, as it is without a network.
TFDS = """
import socket, sys

def lost(*_, **__):
    raise socket.gaierror(-2, "Name or service not known")

socket.getaddrinfo = lost
from tensorflow_datasets.scripts.cli.main import launch_cli
launch_cli()
"""
# The part of `tfds` that prints errors.
ABSL = """
from absl import app
from cartoon_tfds.sources.base import SourceError

def main(_):
    raise SourceError("a.zip is missing")

app.run(main)
"""


def _builder(folder, file_format=None):
    config = CartoonConfig(name="few", recipe=Cartoons(views_per_photo=1, view_size=64))
    return Builder(config=config, data_dir=folder, file_format=file_format)


def _prepared(folder, file_format=None):
    builder = _builder(folder, file_format)
    builder.download_and_prepare()
    return builder


@pytest.fixture(scope="module")
def tfrecord(tmp_path_factory):
    """A data_dir with TFRecord files."""
    folder = tmp_path_factory.mktemp("tfrecord")
    _prepared(folder, "tfrecord")
    return folder


def test_absl_prints_an_error_about_photographs_without_a_traceback():
    done = run_command("-c", ABSL)
    assert done.returncode == 1
    assert done.stderr.endswith("\na.zip is missing\n")
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_tfds_build_without_a_network_ends_with_one_line(tmp_path):
    pytest.importorskip("tensorflow", reason="`tfds build` needs TensorFlow")
    done = run_command(
        *("-c", TFDS, "build", "cartoon_tfds", "--config=public", f"--data_dir={tmp_path}")
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "the archives of `public` cannot be reached: ndownloader.figshare.com is"
    )
    assert last.endswith("connect to the internet, or build `sample`, which needs no network")


def test_tf_data_reads_tfrecord(tfrecord):
    pytest.importorskip("tensorflow", reason="tf.data is TensorFlow's")
    dataset, info = tfds.load(
        "cartoon_tfds/few", split="test", data_dir=tfrecord, with_info=True, try_gcs=False
    )
    frame = tfds.as_dataframe(dataset, info)
    assert sorted(frame["id"]) == [b"chelsea", b"coffee"]
    pairs = tfds.load("cartoon_tfds/few", split="test", data_dir=tfrecord, as_supervised=True)
    shapes = [(photo.shape, cartoon.shape) for photo, cartoon in tfds.as_numpy(pairs)]
    assert sorted(shapes) == [((64, 96, 3),) * 2] * 2


def test_show_examples_of_cartoons(tfrecord, monkeypatch):
    pytest.importorskip("tensorflow", reason="tf.data is TensorFlow's")
    monkeypatch.setenv("MPLBACKEND", "agg")
    dataset = _builder(tfrecord).as_dataset(split="test")
    info = _builder(tfrecord).info
    figure = tfds.show_examples(dataset, info, image_key="cartoon")
    cartoons = {example["cartoon"].tobytes() for example in tfds.as_numpy(dataset)}
    assert {axis.images[0].get_array().tobytes() for axis in figure.axes} == cartoons


def test_a_second_build_of_tfrecord_finds_the_first(tfrecord):
    again = _builder(tfrecord, "tfrecord")
    again.download_and_prepare()
    assert again.info.splits.total_num_examples == 8


def test_array_record_is_for_data_sources_and_tf_data_is_refused_in_one_line(tmp_path):
    builder = _prepared(tmp_path)
    assert len(tfds.data_source("cartoon_tfds/few", split="test", data_dir=tmp_path)) == 2
    with pytest.raises(NotImplementedError, match=r"which tf\.data cannot read") as error:
        builder.as_dataset(split="test")
    assert "tfds.data_source('cartoon_tfds/few')" in str(error.value)
    assert "tfds build cartoon_tfds --config=few --file_format=tfrecord" in str(error.value)
    assert "\n" not in str(error.value)


def test_another_format_in_the_same_folder_is_refused(tfrecord):
    with pytest.raises(SourceError, match="has the format tfrecord, not array_record: remove this"):
        _builder(tfrecord, "array_record")
    assert _builder(tfrecord).info.file_format is tfds.core.FileFormat.TFRECORD
