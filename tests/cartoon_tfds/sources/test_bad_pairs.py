"""Folders of pairs that cannot be used: each is named, the rest is built."""

import numpy as np
import pytest

from cartoon_tfds.images import encode_png
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.sources.base import SourceError
from cartoon_tfds.sources.folders import PairFolders, PictureFolder
from tests.cartoon_tfds.sources.builds import (
    assert_causes,
    build_folder,
    examples_by_id,
    listed_causes,
    only,
    skipped_json,
)


def test_pairs_that_cannot_be_used_are_named_at_once(tmp_path, write, pieces):
    images = [encode_png(piece) for piece in pieces[:8]]
    small = encode_png(pieces[7][:64])
    inputs = write(
        {
            **dict(zip(("a.png", "b.png", "sub/c.png"), images, strict=False)),
            "alone.png": images[3],
            "cut.png": images[4],
            "sizes.png": images[5],
            "twice.png": images[6],
            "twice.jpg": images[6],
        },
        "inputs",
    )
    targets = write(
        {
            **{f"{name}.jpg": images[7] for name in ("a", "b", "sub/c", "twice")},
            "cut.jpg": images[4][:2000],
            "lonely.jpg": images[3],
            "sizes.jpg": small,
        },
        "targets",
    )
    source, data_dir = PairFolders(inputs, targets, license="mine"), tmp_path / "data"
    causes = {
        "alone": "not in ",
        "cut (target)": "damaged: ",
        "lonely": "not in ",
        "sizes": "the input is 120x96 pixels, the target 120x64",
        "twice": "several files of this name: twice.jpg and twice.png",
    }
    with pytest.raises(SourceError) as error:
        build_folder(source, data_dir, ReadyPairs())
    assert str(error.value).startswith("5 of 8 ")
    assert_causes(listed_causes(error), causes)

    builder = build_folder(source, data_dir, ReadyPairs(), skip_bad=True)
    skipped = skipped_json(builder)
    assert skipped["counts"] == {"unusable": 5}
    names = [photograph["photo_id"] for photograph in skipped["photographs"]]
    assert names == ["alone", "cut", "lonely", "sizes", "twice"]
    examples = examples_by_id(builder)
    assert examples.keys() == {"a", "b", "sub/c"}
    for name, piece in zip(("a", "b", "sub/c"), pieces, strict=False):
        np.testing.assert_array_equal(only(examples[name])["input"], piece)
        np.testing.assert_array_equal(only(examples[name])["target"], pieces[7])


def test_pairs_side_by_side_that_cannot_be_used_are_named(tmp_path, write, pieces):
    both = np.concatenate(pieces[:2], axis=1)
    files = {"good.png": both, "odd.png": both[:, :-1]}
    folder = write({name: encode_png(image) for name, image in files.items()} | {"text.jpg": b"x"})
    source = PairFolders(folder, license="mine")
    causes = {"odd": "239 pixels wide", "text": "not a picture in a known format"}
    with pytest.raises(SourceError) as error:
        build_folder(source, tmp_path / "data", ReadyPairs())
    assert_causes(listed_causes(error), causes)
    builder = build_folder(source, tmp_path / "data", ReadyPairs(), skip_bad=True)
    example = only(examples_by_id(builder)["good"])
    np.testing.assert_array_equal(example["input"], pieces[0])
    np.testing.assert_array_equal(example["target"], pieces[1])


def test_pairs_keep_the_splits_of_their_folders(tmp_path, write, pieces):
    names = ["train/a.png", "train/b.png", "val/c.png", "test/d.png"]
    both = [np.concatenate([piece, piece[::-1]], axis=1) for piece in pieces[:4]]
    folder = write(dict(zip(names, map(encode_png, both), strict=True)))
    source = PairFolders(folder, license="mine")
    builder = build_folder(source, tmp_path / "data", ReadyPairs())
    sizes = {split: info.num_examples for split, info in builder.info.splits.items()}
    assert sizes == {"train": 2, "validation": 1, "test": 1}
    assert next(iter(builder.as_data_source("test")))["id"] == b"test/d"


@pytest.mark.parametrize("source", [PictureFolder, PairFolders])
def test_folder_that_is_not_there_is_named_and_nothing_is_left(tmp_path, source):
    with pytest.raises(SourceError, match=r"nowhere: no such folder"):
        build_folder(source(tmp_path / "nowhere", license="mine"), tmp_path / "data")
    assert not list((tmp_path / "data").rglob("*.array_record*"))
