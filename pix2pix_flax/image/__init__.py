"""Pure functions of pixels. Nothing is imported here: `data` uses some and has no JAX."""
