"""Prepared datasets to uint8 batches, with NumPy alone: no module imports JAX or TensorFlow."""
