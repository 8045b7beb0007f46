"""Paired and unconditional image GANs in JAX and Flax, on one training loop."""
