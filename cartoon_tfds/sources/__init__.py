"""Sources of photographs, and the split of each photograph."""
