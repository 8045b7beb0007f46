"""Pictures for the tests of generation."""

import pytest
from PIL import Image

from cartoon_tfds.images import read_image
from cartoon_tfds.sources.packaged import iter_packaged


@pytest.fixture(scope="module")
def pictures():
    """The packaged photographs, made small, by name."""
    return {
        photo.photo_id: Image.fromarray(read_image(photo.data)).resize((96, 64))
        for photo in iter_packaged()
    }
