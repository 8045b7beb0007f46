"""Examples that are kept: the same batches, decoded once, and no more bytes than asked for."""

import concurrent.futures
import gc
import itertools
import json
import logging
import time

import cv2
import ml_collections
import numpy as np
import pytest

from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import BuildOptions, CartoonConfig
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.base import Local
from cartoon_tfds.sources.folders import PictureFolder
from pix2pix_flax.cache import CACHE_VARIABLE
from pix2pix_flax.data.examples import Kept
from pix2pix_flax.data.pipeline import make_train_iterator
from pix2pix_flax.data.records import DatasetError, Records

COUNT = 20  # examples of the split, 5 batches
WHOLE = "[!.]*.npy"  # a thread may still be writing a file whose name begins with a dot


def build_pictures(path):
    """Builds `cartoon_tfds/sizes`: pictures of many sizes, some smaller than the canvas."""
    rng = np.random.default_rng(0)
    (path / "photos" / "train").mkdir(parents=True)
    for number in range(COUNT):
        size = rng.integers(20, 90, 2)
        picture = rng.integers(256, size=(*size, 3), dtype=np.uint8)
        cv2.imwrite(str(path / "photos" / "train" / f"{number}.png"), picture)
    source = Local(PictureFolder(path / "photos", "CC0"))
    config = CartoonConfig(name="sizes", description="", origin=source, recipe=Pictures())
    build(config, path, overwrite=False, options=BuildOptions())


@pytest.fixture(scope="module")
def sizes(made_once):
    """Changes of a configuration that make it read pictures of many sizes."""
    folder = made_once("pictures_of_many_sizes", build_pictures)
    return {
        "data__name": "cartoon_tfds/sizes",
        "data__data_dir": str(folder),
        "data__features": ("image",),
    }


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def decoded(monkeypatch):
    """Indices of the records in the order in which they are decoded."""
    found, read = [], Records.__getitem__
    monkeypatch.setattr(Records, "__getitem__", lambda self, i: found.append(i) or read(self, i))
    return found


def start(config, position=None):
    iterator = make_train_iterator(config, batch_size=4, seed=1)
    if position:
        iterator.set_state(position)
    return iterator


def take(iterator, count):
    return list(itertools.islice(iterator, count))


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        for name in ("input", "target"):
            np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize("place", ["host", "disk"])
@pytest.mark.parametrize("mode", ["crop", "resize"])
def test_two_epochs_and_a_resumed_run_have_the_same_pixels(place, mode, smoke_config, sizes):
    changes = {**sizes, "data__canvas_mode": mode}
    expected = take(start(smoke_config(**changes)), 10)
    config = smoke_config(**changes, data__cache=place)
    iterator = start(config)
    assert_same(take(iterator, 7), expected[:7])
    assert_same(take(start(config, iterator.get_state()), 3), expected[7:])


@pytest.mark.parametrize("place", ["host", "disk"])
def test_each_record_is_decoded_once(place, smoke_config, sizes, decoded, cache):
    config = smoke_config(**sizes, data__cache=place)
    first = start(config)
    decoded.clear()
    take(first, 10)
    del first
    assert sorted(decoded) == list(range(COUNT))
    again = start(config)
    decoded.clear()
    take(again, 10)
    assert bool(decoded) == (place == "host")  # files serve the next training too
    assert len(list(cache.rglob("*-input.npy"))) == (COUNT if place == "disk" else 0)
    assert not list(cache.rglob("*-target.npy"))  # it is the input


@pytest.mark.parametrize("place", ["host", "disk"])
def test_no_more_bytes_are_kept_than_asked_for(place, smoke_config, sizes, caplog, cache, decoded):
    caplog.set_level(logging.INFO, "pix2pix_flax")
    expected = take(start(smoke_config(**sizes)), 15)
    config = smoke_config(**sizes, data__cache=place, data__cache_gigabytes=5e-5)
    iterator = start(config)
    decoded.clear()
    assert_same(take(iterator, 15), expected)
    assert len(decoded) > COUNT + config.data.num_threads  # those that are not kept
    assert caplog.text.count("fill config.data.cache_gigabytes") == 1
    files = list(cache.rglob(WHOLE))
    assert sum(file.stat().st_size for file in files) < 60_000
    assert bool(files) == (place == "disk")


def test_other_pixels_have_another_folder(smoke_config, sizes, cache):
    for changes in ({}, {"sizes__canvas": 48}, {"data__canvas_mode": "resize"}):
        config = smoke_config(**sizes, data__cache="disk", **changes)
        assert_same(
            take(start(config), 5),
            take(start(smoke_config(**sizes, **changes)), 5),
        )
    assert len(list((cache / "decoded").iterdir())) == 3


def test_a_saved_configuration_finds_the_folder_of_its_training(smoke_config, cache):
    palette = (("white", (255, 255, 255), ()), ("ink", (0, 0, 0), ()), ("void", (255, 0, 0), ()))
    config = smoke_config(data__labels="cartoon", data__palette=palette, data__cache="disk")
    saved = ml_collections.ConfigDict(json.loads(config.to_json()))
    assert_same(take(start(config), 2), take(start(saved), 2))
    assert len(list((cache / "decoded").iterdir())) == 1


def test_a_folder_that_cannot_be_written_and_damaged_files_are_done_without(
    smoke_config, sizes, cache, monkeypatch, caplog
):
    expected = take(start(smoke_config(**sizes)), 5)
    config = smoke_config(**sizes, data__cache="disk")
    take(start(config), 5)
    for file in cache.rglob(WHOLE):
        start_of_file = file.read_bytes()[:50]
        file.unlink()  # the pages of the old file may still be read
        file.write_bytes(start_of_file)
    assert_same(take(start(config), 5), expected)
    (cache / "file").write_bytes(b"")
    monkeypatch.setenv(CACHE_VARIABLE, str(cache / "file"))
    assert_same(take(start(config), 5), expected)
    assert "cannot be written: examples are decoded in each epoch" in caplog.text


class Switching:
    """An object whose end, in the middle of other work, lets another thread run."""

    def __init__(self):
        self.me = self

    def __del__(self):
        time.sleep(0)


def test_threads_read_files_at_once(tmp_path):
    for number in range(8):
        np.save(tmp_path / f"{number}-input.npy", np.full((4, 4, 3), number, np.uint8))
    kept = Kept((), 1e9, tmp_path)

    def read(number):
        Switching()
        return int(kept[number % 8]["input"].max())

    before = gc.get_threshold()
    gc.set_threshold(20)
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert list(pool.map(read, range(4000))) == [n % 8 for n in range(4000)]
    finally:
        gc.set_threshold(*before)


def test_an_unknown_place_is_refused(smoke_config):
    with pytest.raises(DatasetError, match="cache must be one of none, host, disk, device, not"):
        start(smoke_config(data__cache="ram"))
