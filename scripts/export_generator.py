"""Exports a trained generator for other runtimes, and checks the file on photographs.

    python scripts/export_generator.py --checkpoint=DIR --format=onnx --output=FILE.onnx

`--help` lists the flags.
"""

from pix2pix_flax.cli import command, export_generator

if __name__ == "__main__":
    command.run_module(export_generator)
