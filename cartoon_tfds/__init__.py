"""Photograph and cartoon pairs, as a TensorFlow Datasets builder that needs no TensorFlow.

This file imports no heavy modules, because inference uses `cartoon_tfds.images` on machines without
TensorFlow Datasets and without the packages that contain the sample photographs.
"""

from cartoon_tfds.opencv import warn_if_installed_twice

warn_if_installed_twice()
