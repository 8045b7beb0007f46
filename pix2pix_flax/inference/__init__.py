"""What users run on their own pictures and clips: all it needs is a checkpoint."""
