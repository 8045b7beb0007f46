"""Trained generators: of a run, a file, by name, or from PyTorch. The shipped ones lie here."""
