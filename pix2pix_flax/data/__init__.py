"""Prepared datasets to uint8 batches. NumPy only: nothing in here imports jax or TensorFlow."""
