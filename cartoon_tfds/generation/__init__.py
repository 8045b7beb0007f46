"""From photographs to the examples of a dataset, on all cores."""
