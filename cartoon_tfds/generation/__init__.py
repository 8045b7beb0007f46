"""Makes the examples of a dataset from its photographs, on all cores."""
