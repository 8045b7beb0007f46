"""What a dataset holds on disk."""
