"""Scores of a checkpoint on a split, and the picture beside them."""
