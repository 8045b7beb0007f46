"""A run as one HTML file, which opens without this program and without a network."""
