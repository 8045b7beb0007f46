"""Trained generators from a training run, a file, PyTorch or the files that are shipped here."""
