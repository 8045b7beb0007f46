"""Batches of uint8 images from prepared datasets. No module here imports JAX or TensorFlow."""
