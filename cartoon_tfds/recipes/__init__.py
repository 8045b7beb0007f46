"""What becomes of a photograph."""
