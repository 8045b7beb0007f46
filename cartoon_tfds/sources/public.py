"""Faces, animals, nature and roads from public archives, downloaded by TensorFlow Datasets."""

import dataclasses
import shutil
import socket
import urllib.parse
from pathlib import Path

import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import resource

from cartoon_tfds.errors import one_line
from cartoon_tfds.sources.archives import Archive, ArchiveFile
from cartoon_tfds.sources.base import Source, SourceError
from cartoon_tfds.sources.coco import CocoPhotos

# All downloads: 2.1 GiB. Sizes and SHA-256 are taken from the register of TensorFlow Datasets.
ARCHIVES = (
    # Faces: thousands of people in a small file on a plain server. CelebA and WIDER FACE are on
    # Google Drive, which refuses files in high demand. Only the first photograph of each person is
    # used, 5,749 in all, because all 13,233 small pictures would outnumber the other themes. This
    # is the only archive without a free licence. Without these lines, COCO's faces remain.
    Archive(
        name="lfw",
        url="https://ndownloader.figshare.com/files/5976018",
        num_bytes=180566744,
        sha256="055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0",
        filename="lfw.tgz",
        license="none stated; news photographs, for research (Labeled Faces in the Wild)",
        theme="faces",
        members="*_0001.jpg",
    ),
    # Animals: cats and dogs from near, with sharp fur and eyes. Stanford Dogs and Caltech-UCSD
    # Birds are for non-commercial research only.
    Archive(
        name="oxford_iiit_pet",
        url="https://thor.robots.ox.ac.uk/~vgg/data/pets/images.tar.gz",
        num_bytes=791918971,
        sha256="67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
        filename="images.tar.gz",
        license="CC BY-SA 4.0 (The Oxford-IIIT Pet Dataset; copyright remains with the owners)",
        theme="animals",
    ),
    # Nature: flowers, leaves, grass and sky. This is the smallest of the well-known archives whose
    # photographs everybody may use, change and redistribute.
    Archive(
        name="tf_flowers",
        url="http://download.tensorflow.org/example_images/flower_photos.tgz",
        num_bytes=228813984,
        sha256="4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
        filename="flower_photos.tgz",
        license="CC BY 2.0 (authors by photograph in the archive's LICENSE.txt)",
        theme="nature",
    ),
    # Roads and more faces: street scenes from all over the world. Archives made for driving have
    # only one camera, many gigabytes, a registration or a non-commercial licence. val2017 is the
    # only part of COCO under 6 GB.
    Archive(
        name="coco",
        url="http://images.cocodataset.org/zips/val2017.zip",
        num_bytes=815585330,
        sha256="4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
        filename="val2017.zip",
        license="by photograph; free ones only (cartoon_tfds/sources/coco.py)",
        annotations="coco_annotations",
    ),
    Archive(
        name="coco_annotations",
        url="http://images.cocodataset.org/annotations/annotations_trainval2017.zip",
        num_bytes=252907541,
        sha256="113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
        filename="annotations_trainval2017.zip",
        license="CC BY 4.0 (COCO Consortium)",
    ),
)


def url_infos() -> dict[str, tfds.download.checksums.UrlInfo]:
    """Returns the size and checksum of each URL, which TensorFlow Datasets checks."""
    return {
        archive.url: tfds.download.checksums.UrlInfo(
            size=tfds.core.utils.Size(archive.num_bytes),
            checksum=archive.sha256,
            filename=archive.filename,
        )
        for archive in ARCHIVES
    }


@dataclasses.dataclass(frozen=True)
class PublicArchives:
    """The photographs of `ARCHIVES`, as an `Origin`."""

    def identity(self) -> str:
        """Returns a text that changes if the photographs change."""
        return repr(ARCHIVES)

    def fetch(self, dl_manager: tfds.download.DownloadManager) -> tuple[Source, ...]:
        """Downloads missing archives, and returns the sources.

        Args:
          dl_manager: a download manager made with `url_infos()`, to check sizes and SHA-256.

        Raises:
          SourceError: if a download fails or its checksum differs.
        """
        for archive in ARCHIVES:
            _check_server(dl_manager, archive)
        # One at a time: TFDS would continue the other downloads unseen after a failure.
        paths = {archive.name: _download(dl_manager, archive) for archive in ARCHIVES}
        auxiliary = {archive.annotations for archive in ARCHIVES}
        return tuple(
            _source(archive, paths) for archive in ARCHIVES if archive.name not in auxiliary
        )


def _source(archive: Archive, paths: dict[str, Path]) -> Source:
    path = paths[archive.name]
    if archive.annotations:
        return CocoPhotos(path, paths[archive.annotations], archive.name, archive.url)
    return ArchiveFile(
        path,
        archive.license,
        theme=archive.theme,
        name=archive.name,
        source=archive.url,
        members=archive.members,
    )


def _download(dl_manager: tfds.download.DownloadManager, archive: Archive) -> Path:
    """Downloads an archive unless it exists, and returns its path."""
    before = _unfinished(dl_manager)
    try:
        # A dictionary, because the builder test of TFDS returns the same one for every call.
        return Path(dl_manager.download({archive.name: archive.url})[archive.name])
    except Exception as error:  # Network, server, disk and checksum errors share no base class.
        raise SourceError(
            f"cannot download {archive.url}: {one_line(error)};"
            " try again (complete archives are kept), or build `sample`, which needs no network"
        ) from None
    finally:
        # TFDS leaves refused and partial files behind, hundreds of megabytes each time.
        for folder in _unfinished(dl_manager) - before:
            shutil.rmtree(folder, ignore_errors=True)


def _check_server(dl_manager: tfds.download.DownloadManager, archive: Archive) -> None:
    """Raises a SourceError at once if an archive is missing and its server has no address.

    Without a network, each download would be tried again for minutes.
    """
    name = resource.get_dl_fname(archive.url, archive.sha256)
    if (Path(dl_manager.download_dir) / name).exists():
        return
    host = urllib.parse.urlsplit(archive.url).hostname
    try:
        socket.getaddrinfo(host, None)
    except OSError as error:
        raise SourceError(
            f"the archives of `public` cannot be reached: {host} is not found ({one_line(error)});"
            " connect to the internet, or build `sample`, which needs no network"
        ) from None


def _unfinished(dl_manager: tfds.download.DownloadManager) -> set[Path]:
    """Returns the folders of the unfinished downloads of TFDS."""
    folder = Path(dl_manager.download_dir)
    return {path for pattern in ("*.tmp.*", "*/*.tmp.*") for path in folder.glob(pattern)}
