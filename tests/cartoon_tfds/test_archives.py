"""Archives come over real HTTP, with their checksums, and nothing unsafe is read from them."""

import functools
import gzip
import hashlib
import http.server
import io
import tarfile
import threading
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

import cartoon_tfds
from cartoon_tfds.archives import PUBLIC, Archive, download, iter_archive, iter_archives
from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
from cartoon_tfds.images import read_image
from cartoon_tfds.sources import SourceError

FOLDER = Path(cartoon_tfds.__file__).parent
PHOTOS = FOLDER / "dummy_data" / "photos.tgz"  # real photographs


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.requested.append(self.path)
        super().do_GET()


@pytest.fixture
def server():
    """An HTTP server of the folder with the archive; `requested` lists what was asked for."""
    handler = functools.partial(_Handler, directory=PHOTOS.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.requested = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _download(server, folder, *, name="photos.tgz", sha256=None):
    """Downloads with a new download manager that knows a size and a checksum."""
    archive = Archive("photos", f"{server.url}/{name}", "CC0")
    data = PHOTOS.read_bytes()
    info = tfds.download.checksums.UrlInfo(
        size=len(data), checksum=sha256 or hashlib.sha256(data).hexdigest(), filename=name
    )
    registered = {archive.url: info}
    manager = tfds.download.DownloadManager(download_dir=folder, url_infos=registered)
    return download(manager, (archive,), registered)


def test_download_and_read(server, tmp_path):
    photos = list(iter_archives(_download(server, tmp_path)))
    with tarfile.open(PHOTOS) as tar:
        expected = {member.name: tar.extractfile(member).read() for member in tar}
    assert {photo.photo_id: photo.data for photo in photos} == {
        f"photos/{name}": data for name, data in expected.items()
    }
    for photo in photos:
        assert photo.license == "CC0"
        assert photo.source.startswith(f"{server.url}/photos.tgz: photos/")
        assert read_image(photo.data).shape == (96, 96, 3)


def test_finished_download_is_not_fetched_again(server, tmp_path):
    assert _download(server, tmp_path) == _download(server, tmp_path)
    assert server.requested == ["/photos.tgz"]


def test_wrong_checksum_is_refused_and_not_kept(server, tmp_path):
    with pytest.raises(SourceError, match=r"cannot download .*wrong checksum") as error:
        _download(server, tmp_path, sha256="0" * 64)
    assert "\n" not in str(error.value)
    assert len(list(iter_archives(_download(server, tmp_path)))) == 8
    assert len(server.requested) == 2


def test_missing_file_on_the_server(server, tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.tgz.*404.*`sample` needs no network"):
        _download(server, tmp_path, name="nowhere.tgz")


def test_url_without_checksum_is_not_asked_for(server, tmp_path):
    archive = Archive("photos", f"{server.url}/photos.tgz", "CC0")
    manager = tfds.download.DownloadManager(download_dir=tmp_path)
    with pytest.raises(SourceError, match="no checksum"):
        download(manager, (archive,), {})
    assert not server.requested


def test_build_from_a_downloaded_archive(server, tmp_path, monkeypatch):
    archive = Archive("photos", f"{server.url}/photos.tgz", "CC0")
    data = PHOTOS.read_bytes()
    checksum = hashlib.sha256(data).hexdigest()
    info = tfds.download.checksums.UrlInfo(len(data), checksum, "photos.tgz")
    monkeypatch.setattr(Builder, "url_infos", {archive.url: info})
    config = CartoonConfig(
        name="loopback", description="Test.", archives=(archive,), views_per_photo=1
    )
    Builder(config=config, data_dir=tmp_path).download_and_prepare()
    for split, count in (("train", 5), ("validation", 1), ("test", 2)):
        source = tfds.data_source("cartoon_tfds/loopback", split=split, data_dir=tmp_path)
        assert len(source) == count
        assert source[0]["photo"].shape == source[0]["cartoon"].shape == (256, 256, 3)
        assert source[0]["license"] == b"CC0"
        assert source[0]["source"].decode().startswith(archive.url)
    assert server.requested == ["/photos.tgz"]  # three splits, one download


def test_public_archives_are_registered():
    lines = (FOLDER / "checksums.tsv").read_text().splitlines()
    registered = {line.split("\t")[0]: line.split("\t")[1:] for line in lines}
    assert set(registered) == {archive.url for archive in PUBLIC}
    for size, sha256, _ in registered.values():
        assert int(size) > 0
        assert len(sha256) == 64


ARCHIVE = Archive("a", "http://localhost/a.tar", "CC0")


def _member(name, type=tarfile.REGTYPE, **fields):
    member = tarfile.TarInfo(name)
    member.type = type
    for field, value in fields.items():
        setattr(member, field, value)
    return member


def _write_tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_unsafe_members_are_left_out(tmp_path, caplog):
    unsafe = [
        (_member("../up.jpg"), b"up"),
        (_member("a/../../up.jpg"), b"up"),
        (_member("/etc/absolute.jpg"), b"absolute"),
        (_member("..\\up.jpg"), b"up"),
        (_member("soft.jpg", tarfile.SYMTYPE, linkname="/etc/passwd"), b""),
        (_member("hard.jpg", tarfile.LNKTYPE, linkname="good.jpg"), b""),
        (_member("device.jpg", tarfile.CHRTYPE, devmajor=1, devminor=5), b""),
        (_member("pipe.jpg", tarfile.FIFOTYPE), b""),
    ]
    harmless = [
        (_member("folder.jpg", tarfile.DIRTYPE), b""),
        (_member("LICENSE.txt"), b"text"),
        (_member("Ünïcode 写真.JPG"), b"good"),
    ]
    path = _write_tar(tmp_path / "a.tgz", unsafe + harmless)
    assert [photo.photo_id for photo in iter_archive(path, ARCHIVE)] == ["a/Ünïcode 写真.JPG"]
    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == len(unsafe)
    assert all("left out unsafe member" in message for message in warned)
    assert [file.name for file in tmp_path.iterdir()] == ["a.tgz"]


def test_large_member_is_refused_by_its_header(tmp_path):
    path = _write_tar(tmp_path / "a.tar", [(_member("note.txt"), bytes(1001))], mode="w")
    list(iter_archive(path, ARCHIVE, max_member_bytes=1001))
    with pytest.raises(SourceError, match=r"a\.tar: too large when unpacked: 'note\.txt'"):
        list(iter_archive(path, ARCHIVE, max_member_bytes=1000))


def test_bomb_is_refused(tmp_path):
    members = [(_member(f"{number}.jpg"), bytes(2**20)) for number in range(20)]
    path = _write_tar(tmp_path / "a.tgz", members)
    assert path.stat().st_size < 100_000
    with pytest.raises(SourceError, match="too large when unpacked"):
        list(iter_archive(path, ARCHIVE))


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.999])
def test_truncated_archive(tmp_path, part):
    data = PHOTOS.read_bytes()
    path = tmp_path / "a.tgz"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(SourceError, match=r"a\.tar: damaged archive"):
        list(iter_archive(path, ARCHIVE))


@pytest.mark.parametrize("position", [0, 12, 5_000])
def test_archive_with_damaged_bytes(tmp_path, position):
    data = bytearray(PHOTOS.read_bytes())
    data[position : position + 200] = bytes(200)
    path = tmp_path / "a.tgz"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"a\.tar: damaged archive"):
        list(iter_archive(path, ARCHIVE))


@pytest.mark.parametrize("data", [b"<html>404</html>", b"", gzip.compress(b"no tar" * 1000)])
def test_no_archive(tmp_path, data):
    path = tmp_path / "a.tgz"
    path.write_bytes(data)
    with pytest.raises(SourceError, match="damaged archive"):
        list(iter_archive(path, ARCHIVE))
