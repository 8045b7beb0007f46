"""A dataset on disk: its record files and its manifest."""
