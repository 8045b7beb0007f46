"""Where photographs come from, and in which split they are."""
