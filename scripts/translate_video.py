"""Translates a video with a trained network, or with a style of OpenCV.

    python scripts/translate_video.py --checkpoint=DIR --input=FILE --output=FILE

`--help` lists the flags.
"""

from pix2pix_flax.cli import command, translate_video

if __name__ == "__main__":
    command.run_module(translate_video)
