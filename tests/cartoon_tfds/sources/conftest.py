import numpy as np
import pytest

from cartoon_tfds.images import read_image
from cartoon_tfds.sources.packaged import iter_packaged


@pytest.fixture(scope="module")
def pieces():
    """Twenty different pieces of one photograph: uint8 [96, 120, 3]."""
    photo = next(photo for photo in iter_packaged() if photo.photo_id == "motorcycle")
    image = read_image(photo.data)
    return [
        np.ascontiguousarray(image[top : top + 96, left : left + 120])
        for top in range(10, 400, 96)
        for left in range(10, 600, 120)
    ]


@pytest.fixture
def write(tmp_path):
    """Writes files by name into a folder and returns it."""

    def write(files, folder="photos"):
        for name, data in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / folder

    return write
