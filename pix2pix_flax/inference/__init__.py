"""Inference from a checkpoint: translated images and videos, and images from seeds."""
