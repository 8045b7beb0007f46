"""Photograph and cartoon pairs, as a TensorFlow Datasets builder that needs no TensorFlow.

This file imports no modules, because inference uses `cartoon_tfds.images` on machines without
TensorFlow Datasets and without the packages that contain the sample photographs.
"""
