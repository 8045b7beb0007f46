"""Generates images with a trained unconditional network.

    python scripts/generate.py --checkpoint=DIR --seeds=0-63 --grid=faces.png
    python scripts/generate.py --checkpoint=DIR --seeds=3,14,15 --interpolate=way.mp4
    python scripts/generate.py --checkpoint=DIR --seeds=0-63 --neighbours=near.png

`--help` lists the flags.
"""

from pix2pix_flax.cli import command, generate

if __name__ == "__main__":
    command.run_module(generate)
