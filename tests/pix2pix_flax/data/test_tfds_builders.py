"""Datasets that TFDS's own builders make are read and trained on: Cityscapes, DIV2K and COCO.

The builders are the real ones. Their archives are small, but have the layout of the real ones.
"""

import importlib
import io
import json
import zipfile

import numpy as np
import pytest
import skimage.data
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core.download import resource

from pix2pix_flax.data.pipeline import eval_batches, make_train_iterator
from pix2pix_flax.train import train

pytest.importorskip("tensorflow", reason="the builders of TFDS read archives with TensorFlow")

COFFEE = skimage.data.coffee()
STREET = (1024, 2048)  # the only size that TFDS's builder of Cityscapes takes
IDS = (7, 11, 0, 26)  # road, building, an id without a class, car
COLOURS = ((128, 64, 128), (70, 70, 70), (0, 0, 0), (0, 0, 142))


def _encode(pixels, kind="PNG"):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def _write_zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _photo(number):
    """A picture of the wide shape that photographs have, and of its own size."""
    return COFFEE[8 * number : 8 * number + 130, : 180 + 4 * number]


def _cityscapes(builder, folder):
    """Leaves the two archives of cityscapes-dataset.com in the folder of manual downloads."""
    photos, labels = {}, {}
    for split in ("train", "val", "test"):
        for number in range(2):
            name = f"{split}/bonn/bonn_000000_00000{number}"
            photo = np.full((*STREET, 3), (90, 120, 20 * number), np.uint8)
            photos[f"leftImg8bit/{name}_leftImg8bit.png"] = _encode(photo)
            ids = np.repeat(np.uint8(IDS), STREET[1] // 4)[None].repeat(STREET[0], 0)
            labels[f"gtFine/{name}_gtFine_labelIds.png"] = _encode(ids)
            labels[f"gtFine/{name}_gtFine_polygons.json"] = b"{}"
    _write_zip(folder / "leftImg8bit_trainvaltest.zip", photos)
    _write_zip(folder / "gtFine_trainvaltest.zip", labels)


def _div2k(builder, folder):
    for split in ("train", "valid"):
        large, small = {}, {}
        for number in range(1, 5):
            photo = _photo(number)
            large[f"DIV2K_{split}_HR/{number:04}.png"] = _encode(photo)
            name = f"DIV2K_{split}_LR_bicubic/X4/{number:04}x4.png"
            small[name] = _encode(np.ascontiguousarray(photo[::4, ::4]))
        _write_download(builder, folder, f"DIV2K_{split}_HR.zip", large)
        _write_download(builder, folder, f"DIV2K_{split}_LR_bicubic_X4.zip", small)


def _coco(builder, folder):
    categories = [{"id": number, "name": f"thing {number}"} for number in range(1, 81)]
    annotations = {}
    for split in ("train2017", "val2017", "test2017"):
        photos = {f"{split}/{key:012}.jpg": _encode(_photo(key), "JPEG") for key in range(1, 5)}
        _write_download(builder, folder, f"{split}.zip", photos)
        images = [
            {"id": key, "file_name": f"{key:012}.jpg", "height": 130, "width": 180 + 4 * key}
            for key in range(1, 5)
        ]
        box = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 40, 30], "area": 1200}
        content = {"images": images, "categories": categories}
        if split == "test2017":
            name = f"annotations/image_info_{split}.json"
            tests = {name: json.dumps(content)}
            _write_download(builder, folder, "image_info_test2017.zip", tests)
        else:
            content["annotations"] = [{**box, "iscrowd": 0}]
            annotations[f"annotations/instances_{split}.json"] = json.dumps(content)
    _write_download(builder, folder, "annotations_trainval2017.zip", annotations)


def _write_download(builder, folder, name, members):
    """Leaves an archive where TFDS has it after a download."""
    (url,) = (url for url in builder.url_infos if url.endswith(f"/{name}"))
    info = builder.url_infos[url]
    path = folder / resource.get_dl_fname(url, info.checksum)
    _write_zip(path, members)
    resource.write_info_file(url, path, builder.name, name, info)


ARCHIVES = {
    "cityscapes/semantic_segmentation": _cityscapes,
    "div2k/bicubic_x4": _div2k,
    "coco/2017": _coco,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A data_dir with the three datasets, as `tfds build NAME --file_format=array_record` does."""
    data_dir, downloads = (tmp_path_factory.mktemp(name) for name in ("data", "downloads"))
    for name, write_archives in ARCHIVES.items():
        builder = tfds.builder(name, data_dir=data_dir, file_format="array_record")
        write_archives(builder, downloads)
        builder.download_and_prepare(
            download_dir=downloads,
            download_config=tfds.download.DownloadConfig(manual_dir=downloads),
        )
    return data_dir


@pytest.fixture
def config_of(built):
    """Makes `configs/NAME.py`, or its variant `smoke`, with the data of `configs/NAME.py`."""

    def make(name, variant=""):
        module = importlib.import_module(f"configs.{name}")
        config = module.get_config(variant)
        with config.unlocked():
            config.data = module.get_config().data
            config.data.data_dir = str(built)
        return config

    return make


def test_label_maps_of_cityscapes_come_in_the_colours_of_the_palette(config_of):
    config = config_of("cityscapes")
    (batch,) = eval_batches(config, split="validation", batch_size=2)
    assert batch.images["input"].shape == batch.images["target"].shape == (2, 256, 256, 3)
    assert set(np.unique(batch.images["input"][..., 2])) == {0, 20}
    found = {tuple(pixel) for pixel in batch.images["target"].reshape(-1, 3).tolist()}
    assert found == set(COLOURS)


@pytest.mark.parametrize("dataset", ["div2k/bicubic_x4", "coco/2017"])
def test_photographs_for_super_resolution_are_whole_and_of_any_size(dataset, config_of):
    config = config_of("srgan")
    if dataset == "coco/2017":  # as docs/super_resolution.md says
        config.data.name, config.data.features = dataset, ("image",)
    assert config.data.name == dataset
    batches = eval_batches(config, split="validation", batch_size=1)
    found = {batch.images["target"].shape[1:] for batch in batches}
    assert found == {_photo(number).shape for number in range(1, 5)}
    crops = next(make_train_iterator(config, batch_size=4, seed=0))["target"]
    assert crops.shape == (4, 96, 96, 3)
    assert crops.std() > 20


@pytest.mark.long
@pytest.mark.parametrize("name", ["cityscapes", "srresnet"])
def test_two_steps_of_training(name, config_of, tmp_path):
    config = config_of(name, "smoke")
    config.train.steps = config.train.batch_size = 2
    assert train(config, tmp_path) == 0
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 2
    assert any(key.startswith("validation/") for line in lines for key in line)
