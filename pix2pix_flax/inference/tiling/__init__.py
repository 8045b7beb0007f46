"""Large pictures in tiles that fit into memory."""
