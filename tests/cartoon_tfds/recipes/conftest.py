"""Photographs for the tests of recipes."""

import io

import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.sources.packaged import iter_packaged


@pytest.fixture(scope="module")
def photos():
    """The packaged photographs by name."""
    return {photo.photo_id: photo for photo in iter_packaged()}


@pytest.fixture(scope="module")
def pixels(photos):
    """Two photographs, decoded and made small: uint8 [48, 72, 3]."""
    pictures = (Image.open(io.BytesIO(photos[name].data)) for name in ("coffee", "chelsea"))
    return [np.array(picture.convert("RGB").resize((72, 48))) for picture in pictures]
