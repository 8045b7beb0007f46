"""A prepared dataset that is not what it should be is told in one line, before the training."""

import json
import re
import shutil

import pytest

from cartoon_tfds.records.array_record import RecordError, iter_records
from pix2pix_flax.data.pipeline import make_train_iterator
from pix2pix_flax.data.source import (
    DatasetError,
    open_builder,
    open_source,
    read_ids,
    share_examples,
)
from tests.pix2pix_flax.data.shards import (
    NAME,
    SHARD,
    edit_info,
    flip_a_bit,
    read_records,
    write_records,
)


def message(function, *arguments):
    with pytest.raises(DatasetError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_examples_are_decoded_by_index(dataset_dir):
    source = open_source(NAME, "train", str(dataset_dir))
    example = source[len(source) - 1]
    assert example["photo"].dtype == "uint8"
    assert example["photo"].shape == example["cartoon"].shape
    assert example["photo"].shape[2] == 3
    assert len(open_source(NAME, "train[:5]", str(dataset_dir))) == 5


def test_ids_are_those_of_the_examples(dataset_dir):
    source = open_source(NAME, "validation+test", str(dataset_dir))
    expected = {place: source[place]["id"].decode() for place in (0, 3, len(source) - 1)}
    assert read_ids(NAME, "validation+test", str(dataset_dir), list(expected)) == expected
    assert "Split 'train[:0]'" in message(read_ids, NAME, "train[:0]", str(dataset_dir), [])


@pytest.mark.parametrize("damaged", [lambda shard: shard.unlink(), flip_a_bit])
def test_ids_of_damaged_files_are_refused_in_one_line(copied, damaged):
    data_dir, folder = copied
    damaged(folder / SHARD.format("train"))
    text = message(read_ids, NAME, "train", str(data_dir), range(20))
    assert str(folder / SHARD.format("train")) in text
    assert "--overwrite" in text


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        (("train", "validation+test"), False),
        (("train", "test+train"), True),
        (("train[:5]", "train[5:]"), False),
        (("train[:6]", "train[5:]"), True),
        (("train[5:]", "train[:6]"), True),
    ],
)
def test_splits_that_share_examples(dataset_dir, splits, expected):
    assert share_examples(NAME, splits, str(dataset_dir)) is expected


def test_a_missing_dataset_names_the_command_that_builds_it(tmp_path):
    text = message(open_source, "cartoon_tfds/sample", "train", str(tmp_path))
    assert str(tmp_path) in text
    command = f"python -m cartoon_tfds --config=sample --data_dir={tmp_path}"
    assert text.endswith(f"Build it with: {command}")
    assert message(open_source, "cartoon_tfds/none", "train", str(tmp_path)).endswith(
        f"Build it with: python -m cartoon_tfds --name=none --data_dir={tmp_path} "
        "and --photos=DIR, --pairs=DIR or --images=DIR"
    )
    assert message(open_source, "facades", "train", str(tmp_path)).endswith(
        f"Build it with: tfds build facades --file_format=array_record --data_dir={tmp_path}"
    )


def test_a_missing_config_names_the_command_and_the_configs_that_are_there(dataset_dir):
    text = message(open_source, "cartoon_tfds/public", "train", str(dataset_dir))
    assert text.endswith(
        f"Build it with: python -m cartoon_tfds --config=public --data_dir={dataset_dir}; "
        "or name a prepared one, by --config.data.name in a training and else by --dataset: "
        "cartoon_tfds/tiny"
    )


def test_the_home_directory_may_be_written_short(dataset_dir, monkeypatch):
    monkeypatch.setenv("HOME", str(dataset_dir.parent))
    assert len(open_source(NAME, "test", f"~/{dataset_dir.name}")) == 8


def test_an_unknown_split_lists_those_that_are_there(dataset_dir):
    text = message(open_source, NAME, "val", str(dataset_dir))
    assert "no split 'val'; it has: train, validation, test." in text


@pytest.mark.parametrize("kept", [["train"], ["train", "test"]])
def test_without_validation_examples_can_be_held_back(copied, kept):
    data_dir, folder = copied
    splits = json.loads((folder / "dataset_info.json").read_text())["splits"]
    edit_info(folder, splits=[split for split in splits if split["name"] in kept])
    text = message(open_source, NAME, "validation", str(data_dir))
    assert f"no split 'validation'; it has: {', '.join(kept)}. Hold examples back: " in text
    named = dict(re.findall(r"--([\w.]+)='(\S+)'", text))
    assert named["split"] == named["config.data.validation_split"] == "train[:2]"
    parts = named["config.data.validation_split"], named["config.data.train_split"]
    counts = [len(open_source(NAME, part, str(data_dir))) for part in parts]
    assert counts == [2, len(open_source(NAME, "train", str(data_dir))) - 2]
    assert not share_examples(NAME, parts, str(data_dir))


def test_all_is_every_split_and_a_sum_leaves_absent_parts_out(dataset_dir, caplog):
    count = {
        split: len(open_source(NAME, split, str(dataset_dir)))
        for split in ("train", "validation", "test", "all")
    }
    assert count["all"] == count["train"] + count["validation"] + count["test"]
    some = open_source(NAME, "test + extra+validation[:3]", str(dataset_dir))
    assert len(some) == count["test"] + 3
    assert "has no split extra; test+validation[:3] is read" in caplog.text
    assert "has no split 'extra+more'" in message(open_source, NAME, "extra+more", str(dataset_dir))


def test_an_empty_split_is_named(dataset_dir):
    assert "Split 'train[:0]'" in message(open_source, NAME, "train[:0]", str(dataset_dir))


def test_a_format_that_needs_tensorflow_is_named(copied):
    data_dir, folder = copied
    edit_info(folder, fileFormat="tfrecord")
    text = message(open_source, NAME, "train", str(data_dir))
    assert f"{folder} holds tfrecord, which needs TensorFlow" in text
    assert f"convert_format --out_file_format=array_record --dataset_version_dir={folder}" in text


def test_array_record_files_that_were_added_to_other_files_are_read(copied):
    data_dir, folder = copied
    expected = open_source(NAME, "train", str(data_dir))[0]["photo"]
    # As `tfds convert_format` leaves it.
    edit_info(folder, fileFormat="tfrecord", alternativeFileFormats=["array_record"])
    source = open_source(NAME, "train", str(data_dir))
    assert (source[0]["photo"] == expected).all()


@pytest.mark.parametrize(
    "damage",
    [
        lambda shard: shard.unlink(),
        lambda shard: shard.write_bytes(b""),
        lambda shard: shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2]),
        lambda shard: shard.write_bytes(shard.read_bytes()[:-1]),
        lambda shard: write_records(shard, read_records(shard)[:-1]),
        lambda shard: shard.write_bytes(shard.read_bytes()[:64] + b"?" * 64),
    ],
    ids=["deleted", "empty", "half", "last byte", "last record", "garbage"],
)
def test_a_damaged_shard_is_named_before_the_training(copied, smoke_config, damage):
    data_dir, folder = copied
    damage(folder / SHARD.format("train"))
    config = smoke_config(data__data_dir=str(data_dir))
    text = message(lambda: make_train_iterator(config, batch_size=4, seed=0))
    assert str(folder / SHARD.format("train")) in text
    assert "--overwrite" in text
    assert len(open_source(NAME, "test", str(data_dir))) == 8  # the other shards are whole


@pytest.mark.parametrize("content", ["garbage{", "", "{}"])
@pytest.mark.parametrize("file", ["dataset_info.json", "features.json"])
def test_a_damaged_description_is_named(copied, file, content):
    data_dir, folder = copied
    (folder / file).write_text(content)
    text = message(open_source, NAME, "train", str(data_dir))
    assert f"in {folder} is damaged" in text
    assert f"python -m cartoon_tfds --name=tiny --data_dir={data_dir} --overwrite" in text


def test_the_newest_version_is_read(copied):
    data_dir, folder = copied
    for version in ("2.9.0", "2.10.0"):
        newer = shutil.copytree(folder, folder.with_name(version))
        edit_info(newer, version=version)
    assert str(open_builder(NAME, str(data_dir)).version) == "2.10.0"


@pytest.mark.parametrize("name", ["incomplete.AB12CD_2.0.0", "2.0.1.incompleteAB12CD"])
def test_what_a_killed_build_left_is_passed_over(copied, name):
    data_dir, folder = copied
    shutil.copytree(folder, folder.with_name(name))
    assert str(open_builder(NAME, str(data_dir)).version) == "2.0.0"
    shutil.rmtree(folder)
    assert "No prepared dataset" in message(open_builder, NAME, str(data_dir))


def test_a_name_without_its_dataset_is_completed(copied):
    found = message(open_builder, "tiny", str(copied[0]))
    assert found.endswith("Its whole name is cartoon_tfds/tiny.")
    assert "tfds build" in message(open_builder, "small", str(copied[0]))


def test_code_in_the_folder_of_a_dataset_is_not_run(copied, monkeypatch):
    data_dir, folder = copied
    (data_dir / "evil.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    monkeypatch.chdir(data_dir)
    monkeypatch.syspath_prepend(data_dir)
    features = json.loads((folder / "features.json").read_text())
    features["pythonClassName"] = "evil.X"
    (folder / "features.json").write_text(json.dumps(features))
    assert "names the class 'evil.X'" in message(open_builder, NAME, str(data_dir))
    with pytest.raises(RecordError, match=r"names the class 'evil\.X'"):
        list(iter_records(folder))
    assert not (data_dir / "ran").exists()
