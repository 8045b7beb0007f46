"""Label maps: from ids or colours on disk to the colours of a palette, and never blended."""

import cv2
import numpy as np
import pytest
import skimage.data
import tensorflow_datasets as tfds

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
from cartoon_tfds.images import encode_png
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.sources.base import Local
from cartoon_tfds.sources.folders import PairFolders
from configs import camvid, cityscapes
from pix2pix_flax.data.canvas import resize, to_canvas
from pix2pix_flax.data.pipeline import eval_batches, make_train_iterator
from pix2pix_flax.data.readers import read_labels
from pix2pix_flax.data.source import DatasetError, open_source
from pix2pix_flax.image.palettes import make_palette

PALETTE = (
    ("void", (0, 0, 0), ()),
    ("sky", (128, 128, 128), (0, 7)),
    ("road", (128, 64, 128), (3,)),
    ("car", (64, 0, 128), (4,)),
)
COLOURS = {0: (128, 128, 128), 7: (128, 128, 128), 3: (128, 64, 128), 4: (64, 0, 128)}
WITHOUT_IDS = tuple((*entry[:2], ()) for entry in PALETTE)
SIZE = (30, 40)


def make_ids(seed, size=SIZE):
    """Blobs of ids, some of which no class has."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=size), (0, 0), 3)
    ranks = noise.ravel().argsort().argsort().reshape(size)
    return np.uint8([0, 3, 4, 7, 200])[5 * ranks // ranks.size]


def coloured(ids):
    return np.array([[COLOURS.get(int(one), (0, 0, 0)) for one in row] for row in ids], np.uint8)


def make_photo(seed):
    return skimage.data.coffee()[20 * seed :, 30 * seed :][: SIZE[0], : SIZE[1]]


@pytest.mark.parametrize("channels", [1, 3])
def test_ids_come_in_colours_and_all_others_are_void(channels):
    ids = make_ids(0)
    maps = np.repeat(ids[..., None], channels, axis=-1)
    found = read_labels(maps, make_palette(PALETTE))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, coloured(ids))
    assert {tuple(c) for c in found.reshape(-1, 3)} == {*COLOURS.values(), (0, 0, 0)}


def test_colours_are_left_as_they_are():
    maps = coloured(make_ids(0))
    assert read_labels(maps, make_palette(WITHOUT_IDS)) is maps


def test_ids_and_colours_are_not_mistaken_for_each_other():
    ids = make_ids(0)
    with pytest.raises(DatasetError, match=r"hold colours, .*config.data.palette \(\) as ids"):
        read_labels(coloured(ids), make_palette(PALETTE))
    with pytest.raises(DatasetError, match="one channel, so they hold ids"):
        read_labels(ids[..., None], make_palette(WITHOUT_IDS))


def test_void_is_the_last_class_and_the_others_keep_their_order():
    palette = make_palette([list(entry) for entry in PALETTE])  # as JSON has them
    assert palette.names == ("sky", "road", "car")
    assert palette.void == 3
    np.testing.assert_array_equal(palette.colours[[0, 3]], [(128, 128, 128), (0, 0, 0)])


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (PALETTE[1:], "two classes or more, and one more named 'void'"),
        (PALETTE[:2], "two classes or more, and one more named 'void'"),
        ((*PALETTE, ("road", (1, 2, 3), ())), "has the name 'road' twice"),
        ((*PALETTE, ("tree", (64, 0, 128), ())), r"has the colour \(64, 0, 128\) twice"),
        ((*PALETTE, ("tree", (1, 2, 3), (7,))), "has the id 7 twice"),
        ((*PALETTE, ("tree", (1, 2), ())), "'tree' must have a colour of three levels"),
        ((*PALETTE, ("tree", (1, 2, 256), ())), r"in 0..255, not \(1, 2, 256\) and \(\)"),
        ((*PALETTE, ("tree", (1, 2, 3), (-1,))), r"in 0..255, not \(1, 2, 3\) and \(-1,\)"),
    ],
)
def test_what_is_wrong_with_a_palette_is_named(entries, message):
    with pytest.raises(ValueError, match=message):
        make_palette(entries)


@pytest.mark.parametrize(("config", "classes"), [(camvid, 11), (cityscapes, 19)])
def test_palettes_of_the_configs(config, classes):
    palette = make_palette(config.PALETTE)
    assert (palette.void, palette.has_ids) == (classes, True)
    cars = {"camvid": (64, 0, 128), "cityscapes": (0, 0, 142)}
    ids = {"camvid": 8, "cityscapes": 26}
    name = config.__name__.removeprefix("configs.")
    assert tuple(palette.colour_ids(np.uint8(ids[name]))) == cars[name]
    assert tuple(palette.colour_ids(np.uint8(255))) == (0, 0, 0)


@pytest.mark.parametrize("size", [(10, 8), (15, 20), (48, 64)])  # no middle lies on a border
def test_label_maps_take_the_pixel_in_the_middle(size):
    maps = coloured(make_ids(1))
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(size, SIZE, strict=True)
    )
    found = resize(maps, *size, is_labels=True)
    np.testing.assert_array_equal(found, maps[rows][:, columns])


@pytest.mark.parametrize(
    ("mode", "size", "shape"),
    [("resize", 16, (16, 16)), ("scale_width", 20, (15, 20)), ("crop", 45, (45, 45))],
)
def test_every_way_to_the_canvas_keeps_labels_and_blends_photographs(mode, size, shape):
    example = {"input": make_photo(1), "target": coloured(make_ids(1))}
    canvas = to_canvas(example, size, mode, np.random.default_rng(0), labels=("target",))
    assert canvas["input"].shape == canvas["target"].shape == (*shape, 3)
    known = {tuple(colour) for colour in example["target"].reshape(-1, 3)}
    assert {tuple(colour) for colour in canvas["target"].reshape(-1, 3)} <= known
    blended = {tuple(colour) for colour in canvas["input"].reshape(-1, 3)}
    assert not blended <= {tuple(colour) for colour in example["input"].reshape(-1, 3)}


@pytest.fixture(scope="module")
def pair_folders(tmp_path_factory):
    """A data_dir with `cartoon_tfds/streets`: photographs, and grey PNG files of ids."""
    path = tmp_path_factory.mktemp("streets")
    for split, seeds in (("train", range(4)), ("val", (4, 5)), ("test", (6,))):
        for kind in ("photos", "labels"):
            (path / kind / split).mkdir(parents=True)
        for seed in seeds:
            (path / f"photos/{split}/{seed}.png").write_bytes(encode_png(make_photo(seed)))
            (path / f"labels/{split}/{seed}.png").write_bytes(encode_png(make_ids(seed)))
    source = PairFolders(path / "photos", path / "labels", license="made")
    config = CartoonConfig(name="streets", origin=Local(source), recipe=ReadyPairs())
    Builder(config=config, data_dir=path).download_and_prepare()
    return path


def street_config(smoke_config, data_dir, name, features, **changes):
    changes = {"sizes__canvas": 20, "sizes__evaluation": 0, **changes}
    config = smoke_config("camvid", data__canvas_mode="scale_width", **changes)
    with config.unlocked():
        config.data.name, config.data.data_dir = name, str(data_dir)
        config.data.features, config.data.labels = features, features[-1]
        config.data.palette = PALETTE
    return config


def test_pairs_of_folders_give_photographs_and_coloured_labels(smoke_config, pair_folders):
    name, features = "cartoon_tfds/streets", ("input", "target")
    config = street_config(smoke_config, pair_folders, name, features)
    batches = list(eval_batches(config, split="validation", batch_size=1))
    assert [batch.ids[0].split(":")[1] for batch in batches] == ["val/4", "val/5"]
    for seed, batch in zip((4, 5), batches, strict=True):
        np.testing.assert_array_equal(batch.images["input"][0], make_photo(seed))
        np.testing.assert_array_equal(batch.images["target"][0], coloured(make_ids(seed)))
    half = street_config(smoke_config, pair_folders, name, features, sizes__evaluation=20)
    (batch,) = eval_batches(half, split="validation", batch_size=2)
    wanted = resize(coloured(make_ids(4)), 15, 20, is_labels=True)
    np.testing.assert_array_equal(batch.images["target"][0], wanted)
    drawn = next(make_train_iterator(half, batch_size=4, seed=0))
    wanted = {resize(coloured(make_ids(n)), 15, 20, is_labels=True).tobytes() for n in range(4)}
    assert {image.tobytes() for image in drawn["target"]} == wanted


def test_direction_labels_to_photographs(smoke_config, pair_folders):
    """The order of `features` is the direction; labels stay labels on either side."""
    features = ("input", "target")
    config = street_config(smoke_config, pair_folders, "cartoon_tfds/streets", features)
    turned = street_config(smoke_config, pair_folders, "cartoon_tfds/streets", features)
    turned.data.features = features[::-1]
    forth, back = (next(make_train_iterator(c, batch_size=4, seed=0)) for c in (config, turned))
    np.testing.assert_array_equal(forth["input"], back["target"])
    np.testing.assert_array_equal(forth["target"], back["input"])
    turned.data.labels = "label"
    with pytest.raises(DatasetError, match=r"data.labels must be one of .*features, not 'label'"):
        make_train_iterator(turned, batch_size=4, seed=0)


class StreetLabels(tfds.core.GeneratorBasedBuilder):
    """Examples with the features of TFDS's `cityscapes`, but small."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        image, labels = (
            tfds.features.Image(shape=(*SIZE, channels), encoding_format="png")
            for channels in (3, 1)
        )
        features = {
            "image_id": tfds.features.Text(),
            "image_left": image,
            "segmentation_label": labels,
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for seed in range(3):
            pair = encode_png(make_photo(seed)), encode_png(make_ids(seed))
            names = ("image_left", "segmentation_label")
            yield seed, {"image_id": f"bonn_{seed}", **dict(zip(names, pair, strict=True))}


def test_label_maps_of_one_channel_as_cityscapes_has_them(smoke_config, tmp_path):
    StreetLabels(data_dir=tmp_path, file_format="array_record").download_and_prepare()
    source = open_source("street_labels", "train", str(tmp_path))
    assert source[0]["segmentation_label"].shape == (*SIZE, 1)
    features = ("image_left", "segmentation_label")
    config = street_config(smoke_config, tmp_path, "street_labels", features)
    (batch,) = eval_batches(config, split="train", batch_size=3)
    shown = {image.tobytes() for image in batch.images["target"]}
    assert shown == {coloured(make_ids(seed)).tobytes() for seed in range(3)}
