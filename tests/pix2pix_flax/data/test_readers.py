"""Examples of a dataset become pairs of RGB images."""

import numpy as np
import pytest

from pix2pix_flax.data.readers import make_reader
from pix2pix_flax.data.source import DatasetError


def pair(height, width):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return {"input": image, "target": 255 - image}


def test_grey_pictures_come_in_rgb(smoke_config):
    read = make_reader(smoke_config().data)
    grey = np.random.default_rng(0).integers(0, 256, (8, 6, 1), dtype=np.uint8)
    colour = np.zeros((8, 6, 3), np.uint8)
    pair = read({"photo": grey, "cartoon": colour})
    assert np.array_equal(pair["input"], grey.repeat(3, axis=2))
    assert pair["target"] is colour
    with pytest.raises(DatasetError, match="must have 1 or 3 channels, not 4"):
        read({"photo": np.zeros((8, 6, 4), np.uint8), "cartoon": colour})
