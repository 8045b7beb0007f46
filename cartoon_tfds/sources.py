"""Where photographs come from: installed packages, and public archives."""

import dataclasses
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from cartoon_tfds.provenance import content_hash


class SourceError(RuntimeError):
    """Photographs that cannot be had; the message is one line with the cause and the remedy."""


@dataclasses.dataclass(frozen=True)
class Photo:
    """One photograph, undecoded, or a ready-made pair of pictures.

    Attributes:
      photo_id: its name, unique within a source.
      data: the bytes of its file.
      source: where it comes from: package, version and file, URL and member, or file.
      license: its licence, as stated by the source.
      theme: what it shows, in one word; empty where nobody has said.
      target: of a ready-made pair, the bytes of the other file.
      split: of a ready-made pair, the split that its folder stands for; else its content decides.
      problem: why it cannot be used, where that is known before it is decoded.
      weight: how many times as many views are cut out of it, where few show what it shows.
      sha256: the hash of `data`, and of `target` where there is one; identity, split and views
        follow from it.
    """

    photo_id: str
    data: bytes = dataclasses.field(repr=False)
    source: str
    license: str
    theme: str = ""
    target: bytes | None = dataclasses.field(default=None, repr=False)
    split: str | None = None
    problem: str = ""
    weight: int = 1
    sha256: str = dataclasses.field(init=False)

    def __post_init__(self):
        sha256 = content_hash(self.data)
        if self.target is not None:
            sha256 = content_hash(f"{sha256} {content_hash(self.target)}".encode())
        object.__setattr__(self, "sha256", sha256)

    @property
    def key(self) -> str:
        """A hash of all that examples show of a photograph or depend on."""
        shown = (
            self.sha256,
            self.photo_id,
            self.source,
            self.license,
            self.theme,
            str(self.weight),
        )
        return content_hash("\0".join(shown).encode())


class Source(Protocol):
    """Photographs that can be read as often as is wanted; plain data, so that it can be pickled."""

    def photos(self) -> Iterator[Photo]:
        """Yields the photographs, always in the same order, one at a time in memory.

        Raises:
          SourceError: if they cannot be read.
        """


class Origin(Protocol):
    """Where a dataset's photographs come from, before anything is downloaded."""

    def identity(self) -> str:
        """Returns a text that changes when the photographs do."""

    def fetch(self, dl_manager: Any) -> tuple[Source, ...]:
        """Returns the sources, having downloaded what is missing.

        Args:
          dl_manager: a `tfds.download.DownloadManager`.

        Raises:
          SourceError: if something cannot be had.
        """


@dataclasses.dataclass(frozen=True)
class Local:
    """An `Origin` of photographs that are there, so that nothing has to be downloaded.

    Attributes:
      source: of the photographs.
    """

    source: Source

    def identity(self) -> str:
        """Returns a hash of the contents, names and licences of the photographs."""
        keys = (f"{photo.key} {photo.split}\n" for photo in self.source.photos())
        return content_hash("".join(keys).encode())

    def fetch(self, dl_manager: Any) -> tuple[Source, ...]:
        """Returns the source."""
        del dl_manager
        return (self.source,)


@dataclasses.dataclass(frozen=True)
class PackagedPhoto:
    """Where a photograph lies in an installed package.

    Attributes:
      photo_id: its name in the dataset.
      distribution: what `pip` calls the package.
      module: what Python calls the package.
      file: path inside the module's folder.
      sha256: of the file; another file under this name is refused, not taken unnoticed.
      license: as stated by the package.
      theme: what it shows, in one word.
    """

    photo_id: str
    distribution: str
    module: str
    file: str
    sha256: str
    license: str
    theme: str


def _skimage(photo_id: str, file: str, *described: str) -> PackagedPhoto:
    return PackagedPhoto(photo_id, "scikit-image", "skimage", f"data/{file}", *described)


def _sklearn(photo_id: str, file: str, *described: str) -> PackagedPhoto:
    return PackagedPhoto(photo_id, "scikit-learn", "sklearn", f"datasets/images/{file}", *described)


PACKAGED = (
    _skimage(
        "astronaut",
        "astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "public domain (NASA)",
        "faces",
    ),
    _skimage(
        "chelsea",
        "chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "CC0 1.0 (Stefan van der Walt)",
        "animals",
    ),
    _skimage(
        "coffee",
        "coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "CC0 1.0 (Rachel Michetti)",
        "objects",
    ),
    _skimage(
        "motorcycle",
        "motorcycle_left.png",
        "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
        "none stated; Middlebury 2014 stereo benchmark (Scharstein et al.)",
        "objects",
    ),
    _skimage(
        "rocket",
        "rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "public domain (SpaceX)",
        "objects",
    ),
    _sklearn(
        "china",
        "china.jpg",
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
        "CC BY 2.0 (danielbuechele, Flickr)",
        "buildings",
    ),
    _sklearn(
        "flower",
        "flower.jpg",
        "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        "CC BY 2.0 (vultilion, Flickr)",
        "nature",
    ),
    PackagedPhoto(
        "grace_hopper",
        "matplotlib",
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
        "public domain (US Navy)",
        "faces",
    ),
)


@dataclasses.dataclass(frozen=True)
class Packaged:
    """The photographs of installed packages, as a `Source`.

    Attributes:
      table: the photographs.
    """

    table: tuple[PackagedPhoto, ...] = PACKAGED

    def photos(self) -> Iterator[Photo]:
        """Yields the photographs (see `iter_packaged`)."""
        return iter_packaged(self.table)


def iter_packaged(table: tuple[PackagedPhoto, ...] = PACKAGED) -> Iterator[Photo]:
    """Yields the photographs of installed packages, without importing those packages.

    Raises:
      SourceError: naming all packages that are missing, or the file that is not as recorded.
    """
    folders = {item.module: _package_folder(item.module) for item in table}
    missing = {item.distribution for item in table if folders[item.module] is None}
    if missing:
        raise SourceError(
            f"not installed, but their photographs are needed: {', '.join(sorted(missing))};"
            " they are the extra `sample`: pip install '.[sample]'"
        )
    for item in table:
        yield _read_packaged(item, folders[item.module])


def _package_folder(module: str) -> Path | None:
    """Returns the folder of a top-level package, or None where it is not installed."""
    # For a top-level name, unlike `skimage.data`, find_spec imports nothing.
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def _read_packaged(item: PackagedPhoto, folder: Path) -> Photo:
    """Reads one file of a package and checks that it is the recorded one."""
    version = importlib.metadata.version(item.distribution)
    where = f"{item.distribution} {version}: {item.file}"
    try:
        data = (folder / item.file).read_bytes()
    except OSError as error:
        raise SourceError(f"{where}: {error.strerror}; reinstall {item.distribution}") from error
    photo = Photo(item.photo_id, data, where, item.license, item.theme)
    if photo.sha256 != item.sha256:
        raise SourceError(
            f"{where}: not the photograph that this dataset is made of"
            f" (SHA-256 {photo.sha256}, expected {item.sha256});"
            f" install another version of {item.distribution}"
        )
    return photo
