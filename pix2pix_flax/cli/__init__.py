"""Command lines: one clear line for a user's mistake, and flags that scripts share."""
