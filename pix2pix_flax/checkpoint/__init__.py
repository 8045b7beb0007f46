"""Checkpoints of a run: written by Orbax, checked by their SHA-256, of any version."""
