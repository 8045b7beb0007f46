"""Pure functions of pixels. No submodule is imported here, because `data` does without JAX."""
