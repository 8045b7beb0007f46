"""Translates pictures with a trained network, or with a style of OpenCV.

    python scripts/translate_images.py --checkpoint=DIR --input=PATH --output=DIR
    python scripts/translate_images.py --checkpoint=lite --input=photo.jpg --output=cartoon.png

`--help` lists the flags.
"""

from pix2pix_flax.cli import command, translate_images

if __name__ == "__main__":
    command.run_module(translate_images)
