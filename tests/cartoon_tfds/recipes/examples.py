"""Examples of a photograph, and the checks of their features."""

import cv2
import numpy as np

from cartoon_tfds.images import write_png
from cartoon_tfds.sources.folders import PairFolders


def make_all(recipe, photo):
    """Returns the examples of all parts."""
    return [
        example
        for part in range(recipe.num_parts(recipe.num_examples(photo)))
        for example in recipe.make(photo, part)
    ]


def decoded(png):
    """Returns the pixels, read by another decoder than the package's."""
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)


def assert_provenance(features, photo):
    assert features["id"] == photo.photo_id
    assert features["source"] == photo.source
    assert features["license"] == photo.license
    assert features["theme"] == photo.theme
    assert features["sha256"] == photo.sha256


def pair_of_files(folder, first, second):
    for name, image in (("inputs", first), ("targets", second)):
        (folder / name).mkdir()
        write_png(folder / name / "one.png", image)
    (photo,) = PairFolders(folder / "inputs", folder / "targets", license="mine").photos()
    return photo
