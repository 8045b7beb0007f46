"""Photograph and cartoon pairs, as a TensorFlow Datasets builder that needs no TensorFlow.

Nothing is imported here: `cartoon_tfds.images` serves inference too, where neither
TensorFlow Datasets nor the packages with the sample photographs have to be installed.
"""
