"""From the prepared dataset to batches: nothing is lost, repeated, shifted or recoloured."""

import collections
import itertools
import json

import cv2
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.data.canvas import resize
from pix2pix_flax.data.pipeline import (
    different_places,
    eval_batches,
    make_train_iterator,
)
from pix2pix_flax.data.source import DatasetError, open_source

BATCH = 8


TRAIN, TEST = 20, 8  # examples of the tiny dataset: five and two photographs, four views of each


def examples(config, split):
    source = open_source(config.data.name, split, config.data.data_dir)
    return [source[index] for index in range(len(source))]


def batches(config, count, *, seed=0, **options):
    iterator = make_train_iterator(config, **{"batch_size": BATCH, **options}, seed=seed)
    return [next(iterator) for _ in range(count)]


def assert_equal(ours, others):
    for one, other in zip(ours, others, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


@pytest.fixture
def whole(smoke_config):
    """A configuration whose canvas shows the whole of each example, so that it can be told."""
    return smoke_config(data__canvas_mode="resize", sizes__canvas=64)


def order(config, found):
    """Returns which example each batch element is."""
    names = {
        resize(example["photo"], 64, 64).tobytes(): index
        for index, example in enumerate(examples(config, "train"))
    }
    assert len(names) == TRAIN
    return [names[image.tobytes()] for batch in found for image in batch["input"]]


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("mode", ["crop", "resize"])
def test_train_batches_fill_the_canvas(smoke_config, mode, batch_size):
    config = smoke_config(data__canvas_mode=mode, sizes__canvas=48)
    (batch,) = batches(config, 1, batch_size=batch_size)
    assert batch.keys() == {"input", "target"}
    for images in batch.values():
        assert images.shape == (batch_size, 48, 48, 3)
        assert images.dtype == np.uint8


def test_each_example_comes_once_an_epoch_in_a_new_order(whole):
    drawn = order(whole, batches(whole, 5))
    first, second = drawn[:TRAIN], drawn[TRAIN:]
    assert sorted(first) == sorted(second) == list(range(TRAIN))
    assert first != second
    assert first != sorted(first)
    assert order(whole, batches(whole, 5)) == drawn
    assert order(whole, batches(whole, 5, seed=1)) != drawn


def test_batches_do_not_depend_on_threads(smoke_config):
    one, eight = (batches(smoke_config(data__num_threads=threads), 7) for threads in (1, 8))
    assert_equal(one, eight)


@pytest.mark.parametrize("position", [0, 1, 2, 3, 5])  # an epoch ends within the third and fifth
def test_a_saved_position_goes_on_with_the_very_same_batches(smoke_config, position):
    config = smoke_config()
    unbroken = make_train_iterator(config, batch_size=BATCH, seed=3)
    for _ in range(position):
        next(unbroken)
    saved = json.loads(json.dumps(unbroken.get_state()))
    rest = [next(unbroken) for _ in range(4)]

    resumed = make_train_iterator(config, batch_size=BATCH, seed=3)
    next(resumed)
    resumed.set_state(saved)
    assert_equal(rest, [next(resumed) for _ in range(4)])
    unbroken.set_state(saved)
    assert_equal(rest[:1], [next(unbroken)])


@pytest.mark.parametrize("shards", [2, 4])
def test_hosts_share_the_examples(whole, shards):
    drawn = [
        order(whole, batches(whole, 5, batch_size=4, shard=(index, shards)))
        for index in range(shards)
    ]
    assert all(len(part) == 5 * 4 // shards for part in drawn)
    assert sorted(itertools.chain(*drawn)) == list(range(TRAIN))


def windows(crop, image):
    """Returns the places at which an image shows the crop."""
    if min(np.subtract(image.shape, crop.shape)) < 0:
        return set()
    seen = np.lib.stride_tricks.sliding_window_view(image, crop.shape)[..., 0, :, :, :]
    return {tuple(place) for place in np.argwhere((seen == crop).all((2, 3, 4)))}


def test_crops_keep_the_pixels_and_the_pair_aligned(smoke_config):
    config = smoke_config()
    dataset = examples(config, "train")
    places = set()
    for batch in batches(config, 5):
        for photo, cartoon in zip(batch["input"], batch["target"], strict=True):
            (place,) = {
                (index, *place)
                for index, example in enumerate(dataset)
                for place in windows(photo, example["photo"]) & windows(cartoon, example["cartoon"])
            }
            places.add(place)
    indices, rows, columns = (set(values) for values in zip(*places, strict=True))
    assert len(places) > 35  # of 40: the second epoch cuts elsewhere
    assert len(indices) == TRAIN
    assert len(rows) > 10
    assert len(columns) > 10


def test_evaluation_takes_each_example_once_and_whole(smoke_config):
    config = smoke_config(sizes__evaluation=0)
    dataset = examples(config, "test")
    found = list(eval_batches(config, split="test", batch_size=4))
    assert [batch.count for batch in found] == [4, 2, 2]  # six squares, two wider ones
    seen = []
    for batch in found:
        assert len(batch.images["input"]) == 4
        assert len(batch.ids) == batch.count
        for row, name in enumerate(batch.ids):
            index, photo_id = name.split(":")
            example = dataset[int(index)]
            assert photo_id == example["id"].decode()
            np.testing.assert_array_equal(batch.images["input"][row], example["photo"])
            np.testing.assert_array_equal(batch.images["target"][row], example["cartoon"])
            seen.append(int(index))
        for row in range(batch.count, 4):
            np.testing.assert_array_equal(
                batch.images["input"][row], batch.images["input"][batch.count - 1]
            )
    assert sorted(seen) == list(range(TEST))
    assert len({batch.images["input"].shape for batch in found}) == 2


def test_evaluation_can_squeeze_to_one_size(smoke_config):
    found = list(eval_batches(smoke_config(), split="test", batch_size=3))
    assert [batch.count for batch in found] == [3, 3, 2]
    assert {batch.images["target"].shape for batch in found} == {(3, 32, 32, 3)}


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(1, [0]), (2, [0, 7]), (3, [0, 4, 7]), (5, [0, 2, 4, 5, 7]), (8, range(8)), (99, range(8))],
)
def test_a_limit_is_spread_over_the_split(smoke_config, limit, expected):
    found = eval_batches(smoke_config(), split="test", batch_size=4, limit=limit)
    indices = [int(name.split(":")[0]) for batch in found for name in batch.ids]
    assert indices == list(expected)


def test_examples_come_with_their_places(smoke_config):
    config = smoke_config()
    found = list(eval_batches(config, split="test", batch_size=3, places=[6, 1, 1, 2]))
    assert [batch.images["index"].tolist() for batch in found] == [[6, 1, 1], [2, 2, 2]]
    assert found[0].images["index"].dtype == np.uint32
    (whole,) = eval_batches(config, split="test", batch_size=8)
    for name in ("input", "target"):
        np.testing.assert_array_equal(found[0].images[name], whole.images[name][[6, 1, 1]])


def test_red_stays_red(smoke_config):
    """Against pictures that scikit-image decodes, channel by channel."""
    config = smoke_config(sizes__evaluation=0, data__canvas_mode="resize")
    coffee = skimage.data.coffee()
    assert coffee[..., 0].mean() > coffee[..., 2].mean() + 50
    squeezed = cv2.resize(coffee, (96, 64), interpolation=cv2.INTER_AREA)
    shown = [
        image
        for batch in eval_batches(config, split="test", batch_size=1)
        for image in batch.images["input"]
    ]
    assert sum(np.array_equal(image, squeezed) for image in shown) == 1

    astronaut = cv2.resize(skimage.data.astronaut(), (64, 64), interpolation=cv2.INTER_AREA)
    expected = resize(astronaut, 40, 40)
    drawn = [image for batch in batches(config, 3) for image in batch["input"]]
    assert any(np.array_equal(image, expected) for image in drawn)


def test_features_name_the_direction(smoke_config, whole):
    turned = smoke_config(
        data__canvas_mode="resize", sizes__canvas=64, data__features=("cartoon", "photo")
    )
    forth, back = batches(whole, 2), batches(turned, 2)
    assert_equal([{"input": b["target"], "target": b["input"]} for b in forth], back)


def message(function, *arguments, **options):
    with pytest.raises(DatasetError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unknown_feature_is_named(smoke_config):
    config = smoke_config(data__features=("photo", "sketch"))
    text = message(lambda: next(eval_batches(config, split="test", batch_size=1)))
    assert "no feature 'sketch' (config.data.features)" in text
    assert "cartoon, id, license, photo, sha256, source, strength, style" in text
    assert "no feature 'sketch'" in message(batches, config, 1)


def test_a_batch_larger_than_the_split_is_named(smoke_config):
    text = message(make_train_iterator, smoke_config(), batch_size=21, seed=0)
    assert "has 20 examples, fewer than one batch of 21 (config.train.batch_size)" in text


def test_an_unknown_canvas_mode_is_named(smoke_config):
    config = smoke_config(data__canvas_mode="pad")
    text = message(make_train_iterator, config, batch_size=4, seed=0)
    assert text == (
        "config.data.canvas_mode must be one of crop, resize, scale_width, none, not 'pad'."
    )


@pytest.mark.parametrize(
    ("split", "count", "photos"),
    [("train", 4, 4), ("train", 7, 5), ("test", 4, 2), ("validation", 3, 1), ("train", 0, 5)],
)
def test_different_places_show_different_photographs(split, count, photos, smoke_config):
    config = smoke_config()
    places = different_places(config, split, count)
    source = open_source(config.data.name, split, config.data.data_dir)
    assert len(set(places)) == (count or len(source))
    shown = collections.Counter(source[place]["id"] for place in places)
    assert len(shown) == photos
    assert max(shown.values()) - min(shown.values()) <= 1
    assert places == different_places(config, split, count)
