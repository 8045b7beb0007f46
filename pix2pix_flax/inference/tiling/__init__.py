"""Translates large images in tiles that fit into memory."""
