"""Command lines: one-line messages for a user's mistakes, and flags that scripts share."""
