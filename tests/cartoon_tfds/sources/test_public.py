"""Public archives come over real HTTP, with their checksums, and become photographs of themes."""

import collections
import dataclasses
import json
import pickle
import re
import time
import zipfile
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from cartoon_tfds.cartoon_tfds_dataset_builder import Builder
from cartoon_tfds.images import read_image
from cartoon_tfds.records import manifest
from cartoon_tfds.sources import public
from cartoon_tfds.sources.base import SourceError
from cartoon_tfds.sources.coco import INSTANCES, KEYPOINTS, CocoPhotos, choose, read_chosen
from cartoon_tfds.sources.public import PublicArchives


def _fetch(folder):
    """Fetches with a new download manager, as each build does."""
    manager = tfds.download.DownloadManager(
        download_dir=folder, url_infos=public.url_infos(), dataset_name="cartoon_tfds"
    )
    return PublicArchives().fetch(manager)


def _photos(sources):
    return [photo for source in sources for photo in source.photos()]


def _files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_table_is_of_real_files():
    assert len({archive.name for archive in public.ARCHIVES}) == len(public.ARCHIVES) == 5
    for archive in public.ARCHIVES:
        assert re.fullmatch("[0-9a-f]{64}", archive.sha256)
        info = public.url_infos()[archive.url]
        assert (info.size, info.checksum) == (archive.num_bytes, archive.sha256)
        assert info.filename == archive.filename
    assert 2.1 <= sum(archive.num_bytes for archive in public.ARCHIVES) / 2**30 < 2.2


def test_photographs_of_all_themes(public_archives, tmp_path):
    photos = _photos(_fetch(tmp_path))
    themes = collections.Counter(photo.theme for photo in photos)
    assert themes == {"faces": 7, "animals": 6, "nature": 6, "roads": 3}
    assert (
        len({photo.photo_id for photo in photos}) == len({photo.sha256 for photo in photos}) == 22
    )
    rows = {archive.name: archive for archive in public_archives}
    for photo in photos:
        assert min(read_image(photo.data).shape[:2]) == 96
        row = rows[photo.photo_id.split("/")[0]]
        assert photo.source.startswith(f"{row.url}: {photo.photo_id.split('/', 1)[1]}")
        if row.name != "coco":
            assert (photo.theme, photo.license) == (row.theme, row.license)


def test_one_photograph_of_each_person(public_archives, tmp_path):
    names = [photo.photo_id for photo in _fetch(tmp_path)[0].photos()]
    assert names == [f"lfw/lfw/Name_{number}/Name_{number}_0001.jpg" for number in range(6)]


def test_license_and_credit_of_each_photograph_of_coco(public_archives, tmp_path):
    photos = list(_fetch(tmp_path)[-1].photos())
    assert [(photo.photo_id[-7:], photo.theme, photo.license) for photo in photos] == [
        ("100.jpg", "roads", "CC BY 2.0"),
        ("101.jpg", "roads", "CC BY-SA 2.0"),
        ("102.jpg", "roads", "no known copyright restrictions (Flickr Commons)"),
        ("103.jpg", "faces", "public domain (US government work)"),
    ]
    assert photos[0].source.endswith("from http://farm1.staticflickr.com/100_z.jpg")


def test_sources_can_be_pickled_and_read_again(public_archives, tmp_path):
    sources = _fetch(tmp_path)
    assert pickle.loads(pickle.dumps(sources)) == sources
    assert _photos(sources) == _photos(pickle.loads(pickle.dumps(sources)))


def test_identity_follows_the_table(public_archives, monkeypatch):
    before = PublicArchives().identity()
    changed = dataclasses.replace(public_archives[0], sha256="0" * 64)
    monkeypatch.setattr(public, "ARCHIVES", (changed, *public_archives[1:]))
    assert PublicArchives().identity() != before


def test_finished_archives_are_not_fetched_again(public_archives, server, tmp_path):
    assert _fetch(tmp_path) == _fetch(tmp_path)
    assert server.requested == [f"/{archive.filename}" for archive in public_archives]


@pytest.mark.parametrize("what", ["cut short", "error page"])
def test_broken_download_is_refused_and_not_kept(public_archives, server, tmp_path, what):
    server.broken["/images.tar.gz"] = what
    with pytest.raises(SourceError, match=r"^cannot download \S+/images\.tar\.gz: ") as error:
        _fetch(tmp_path)
    assert "\n" not in str(error.value)
    assert all("lfw" in path.name for path in _files(tmp_path))  # which was complete
    assert len(_files(tmp_path)) == 2  # with its .INFO
    assert not list(tmp_path.rglob("*.tmp.*"))
    server.broken.clear()
    assert len(_photos(_fetch(tmp_path))) == 22
    requested = collections.Counter(server.requested)
    assert requested.pop("/images.tar.gz") == 2
    assert set(requested.values()) == {1}


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"num_bytes": 1}])
def test_another_file_than_registered_is_refused(public_archives, tmp_path, monkeypatch, change):
    rows = list(public_archives)
    rows[2] = dataclasses.replace(rows[2], **change)
    monkeypatch.setattr(public, "ARCHIVES", tuple(rows))
    with pytest.raises(SourceError, match=r"flower_photos\.tgz.* wrong checksum"):
        _fetch(tmp_path)
    assert not [path for path in _files(tmp_path) if "flower" in path.name]


def test_a_server_without_an_address_is_named_at_once(public_archives, tmp_path, monkeypatch):
    lost = dataclasses.replace(public_archives[0], url="http://archive.invalid/files/a.tgz")
    monkeypatch.setattr(public, "ARCHIVES", (*public_archives[1:], lost))
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"archive.invalid is not found .* build `sample`, which"):
        _fetch(tmp_path)
    assert time.monotonic() - started < 10
    assert not _files(tmp_path)  # nothing else is fetched first


def test_missing_file_on_the_server(public_archives, server, tmp_path):
    (server.folder / "lfw.tgz").unlink()
    with pytest.raises(SourceError, match=r"lfw\.tgz.*404.*`sample`, which needs no network$"):
        _fetch(tmp_path)
    assert server.requested == ["/lfw.tgz"]  # nothing after a failure
    assert not _files(tmp_path)


def test_folders_of_others_are_not_cleaned_up(public_archives, server, tmp_path):
    others = tmp_path / "cartoon_tfds" / "url.tmp.0123"
    others.mkdir(parents=True)
    server.broken["/lfw.tgz"] = "cut short"
    with pytest.raises(SourceError):
        _fetch(tmp_path)
    assert others.exists()


IMAGE = {"id": 1, "license": 4, "file_name": "1.jpg", "width": 100, "height": 100}
IMAGE["flickr_url"] = "http://flickr/1\n"
CATEGORIES = [
    {"id": 3, "name": "car"},
    {"id": 10, "name": "traffic light"},
    {"id": 18, "name": "dog"},
]


def _choose(objects=(), people=()):
    """Returns what is chosen of one picture of 100x100, with (category, area, iscrowd) objects."""
    instances = [
        {"image_id": 1, "category_id": category, "area": area, "iscrowd": crowd}
        for category, area, crowd in objects
    ]
    keypoints = [
        {"image_id": 1, "keypoints": [*nose, *left, *right]} for nose, left, right in people
    ]
    chosen = choose(
        {"images": [IMAGE], "categories": CATEGORIES, "annotations": instances},
        {"annotations": keypoints},
    )
    assert all(photo.flickr_url == "http://flickr/1" for photo in chosen.values())
    return [photo.theme for photo in chosen.values()]


def test_what_is_a_road():
    car, light = (3, 150, 0), (10, 50, 0)
    assert _choose([car, light]) == ["roads"]
    assert _choose([(3, 400, 0)]) == []  # one thing
    assert _choose([light] * 5) == []  # no vehicle
    assert _choose([(3, 400, 0), (10, 9, 0)]) == []  # the second too small
    assert _choose([(3, 400, 0), (18, 400, 0)]) == []  # the second something else
    assert _choose([(3, 90, 0), (3, 90, 0)]) == []  # too small together
    assert _choose([car, (3, 150, 1)]) == []  # the second a crowd


def test_what_is_a_face():
    face = [(50, 50, 2), (47, 45, 2), (53, 45, 2)]
    assert _choose(people=[face]) == ["faces"]
    assert _choose(people=[[(50, 50, 1), *face[1:]]]) == []  # the nose is hidden
    assert _choose(people=[[*face[:2], (52, 45, 2)]]) == []  # eyes too near
    assert _choose([(3, 150, 0)] * 2, [face]) == ["roads"]


def _annotations(folder, **texts):
    path = folder / "annotations.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"annotations/{INSTANCES}", texts.get("instances", "{}"))
        archive.writestr(f"annotations/{KEYPOINTS}", texts.get("keypoints", "{}"))
    return path


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "\ufeff{", '{"images": [{}]}', '{"images": 3}', "[" * 100_000, "9" * 5_000],
)
def test_damaged_annotations(tmp_path, text):
    path = _annotations(tmp_path, instances=text)
    with pytest.raises(SourceError, match=r"annotations\.zip: not COCO's annotations: ") as error:
        read_chosen(path)
    assert "\n" not in str(error.value)


def test_annotations_of_a_picture_without_size(tmp_path):
    things = [{"image_id": 1, "category_id": 3, "area": 9, "iscrowd": 0}]
    instances = {"images": [{**IMAGE, "width": 0}], "categories": CATEGORIES}
    path = _annotations(tmp_path, instances=json.dumps({**instances, "annotations": things}))
    with pytest.raises(SourceError, match="not COCO's annotations: ZeroDivisionError"):
        read_chosen(path)


@pytest.mark.parametrize(
    ("area", "what"), [(999, r"1\.jpg is missing"), (1, "no photograph is chosen")]
)
def test_annotations_of_other_photographs(public_archives, tmp_path, area, what):
    photos = _fetch(tmp_path)[-1]
    things = 2 * [{"image_id": 1, "category_id": 3, "area": area, "iscrowd": 0}]
    instances = {"images": [IMAGE], "categories": CATEGORIES, "annotations": things}
    path = _annotations(
        tmp_path, instances=json.dumps(instances), keypoints=json.dumps({"annotations": []})
    )
    with pytest.raises(SourceError, match=rf"does not fit .*annotations\.zip: {what}"):
        list(CocoPhotos(photos.path, path, "coco", "url").photos())


def test_downloads_lie_where_the_manager_says(public_archives, tmp_path):
    for source in _fetch(tmp_path):
        assert type(source.path) is type(Path())
        assert source.path.parent == tmp_path / "cartoon_tfds"


def test_build_of_all_themes(public_archives, server, tmp_path):
    builder = Builder(config="public", data_dir=tmp_path)
    builder.download_and_prepare()
    examples = list(manifest.read_examples(Path(builder.data_path)))
    themes = {example["id"]: example["theme"] for example in examples}
    assert collections.Counter(themes.values()) == {
        "faces": 7,
        "animals": 6,
        "nature": 6,
        "roads": 3,
    }
    views = collections.Counter(example["theme"] for example in examples)
    assert views == {"faces": 6 * 2 + 16, "animals": 12, "nature": 12, "roads": 3 * 16}
    for example in examples:
        assert example["source"].startswith(server.url)
        assert example["license"]
    assert manifest.first_difference(Path(builder.data_path)) is None
    assert sorted(server.requested) == sorted(f"/{archive.filename}" for archive in public_archives)


def test_build_refuses_an_archive_that_is_not_the_registered_one(public_archives, server, tmp_path):
    path = server.folder / "lfw.tgz"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(SourceError, match=r"cannot download .*lfw\.tgz: .*wrong checksum"):
        Builder(config="public", data_dir=tmp_path).download_and_prepare()
    assert not list(tmp_path.glob("cartoon_tfds/public/[0-9]*"))
